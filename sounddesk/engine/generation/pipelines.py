"""The pipelines of a loaded bundle, one for each kind of request; its kind decides here which they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from typing import TypeVar

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.memory_plan import MemoryPlan
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.generation.bed_pipeline import BedPipeline
from sounddesk.engine.generation.image_pipeline import ImagePipeline
from sounddesk.engine.generation.networks import Networks
from sounddesk.engine.generation.networks import load_networks
from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.generation.text_engine_pipeline import TextEnginePipeline
from sounddesk.engine.generation.text_pipeline import TextPipeline
from sounddesk.engine.generation.variation_pipeline import VariationPipeline
from sounddesk.engine.generation.variation_types import VariationRequest
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress
from sounddesk.engine.types import BedRequest
from sounddesk.engine.types import GeneratedBed
from sounddesk.engine.types import GeneratedTake
from sounddesk.engine.types import GenerationRequest
from sounddesk.engine.types import TextRequest

Request_contra = TypeVar("Request_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Pipeline(Protocol[Request_contra, Result_co]):
    """From a request to sound."""

    def generate(
        self, request: Request_contra, *, on_progress: OnProgress | None = None, cancel: CancelToken | None = None
    ) -> Result_co:
        """What `request` asks for; the same request gives the same samples on one machine.

        Raises:
            EngineError: what the user can act upon (bundle, mask, memory, non-finite result).
            ValueError: a value out of range.
            Cancelled: through `cancel`, within one denoising step.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageBundle:
    """Pipelines of a bundle that sees images, on the same networks.

    Attributes:
        text: takes of texts, and of objects that were put into words.
    """

    networks: Networks
    image: Pipeline[GenerationRequest, list[GeneratedTake]]
    text: Pipeline[GenerationRequest | TextRequest, list[GeneratedTake]]
    bed: Pipeline[BedRequest, GeneratedBed]
    variation: Pipeline[VariationRequest, list[GeneratedTake]]


@dataclass(frozen=True, kw_only=True, eq=False)
class TextBundle:
    """Pipelines of a text engine: objects of an image are made from their words."""

    image: Pipeline[GenerationRequest, list[GeneratedTake]]
    text: Pipeline[GenerationRequest | TextRequest, list[GeneratedTake]]


def open_pipelines(
    bundle: Bundle,
    policy: DevicePolicy,
    patches: PatchCache,
    *,
    memory: MemoryPlan | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ImageBundle | TextBundle:
    """Check every file of `bundle` and load its networks.

    Args:
        patches: where images encoded before are.
        memory: where networks are between their uses; None for the quickest plan that fits.

    Raises:
        EngineError: a damaged bundle (names the file), or one that does not fit into memory.
        Cancelled: through `cancel`.
    """
    bundle.verify(on_progress=on_progress, cancel=cancel)
    if bundle.text_engine is not None:
        pipeline = TextEnginePipeline.load(bundle, policy)
        return TextBundle(image=pipeline, text=pipeline)
    networks = load_networks(bundle, policy, patches, memory=memory, on_progress=on_progress, cancel=cancel)
    return ImageBundle(
        networks=networks,
        image=ImagePipeline(networks),
        text=TextPipeline(networks),
        bed=BedPipeline(networks),
        variation=VariationPipeline(networks),
    )
