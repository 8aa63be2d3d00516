"""A loaded bundle that sees images: its networks, where they run, and the images encoded last."""

from __future__ import annotations

from dataclasses import dataclass

from sounddesk.engine.bundles.bundle import Bundle
from sounddesk.engine.bundles.component_loading import Components
from sounddesk.engine.bundles.component_loading import load_components
from sounddesk.engine.bundles.memory_plan import MemoryPlan
from sounddesk.engine.bundles.memory_plan import choose_plan
from sounddesk.engine.bundles.memory_plan import frugal_plan
from sounddesk.engine.device import DevicePolicy
from sounddesk.engine.device import OutOfMemoryError
from sounddesk.engine.device import release_memory
from sounddesk.engine.generation.patch_cache import PatchCache
from sounddesk.engine.tasks import CancelToken
from sounddesk.engine.tasks import OnProgress


@dataclass(frozen=True, kw_only=True, eq=False)
class Networks:
    """What a pipeline works with."""

    bundle: Bundle
    policy: DevicePolicy
    components: Components
    patches: PatchCache


def load_networks(
    bundle: Bundle,
    policy: DevicePolicy,
    patches: PatchCache,
    *,
    memory: MemoryPlan | None = None,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> Networks:
    """The networks of a verified bundle, by the memory plan asked for; else by the quickest that turns out to fit.

    Raises:
        EngineError: a component that cannot be loaded, or does not fit into memory.
        Cancelled: through `cancel`.
    """

    def load(plan: MemoryPlan) -> Networks:
        components = load_components(bundle, policy, plan=plan, on_progress=on_progress, cancel=cancel)
        return Networks(bundle=bundle, policy=policy, components=components, patches=patches)

    if memory is not None:
        return load(memory)
    chosen, frugal = choose_plan(bundle, policy), frugal_plan(policy)
    try:
        return load(chosen)
    except OutOfMemoryError:
        if chosen == frugal:
            raise
    # Outside the handler: while the exception lives, its traceback keeps what filled the memory.
    release_memory(policy.device)
    return load(frugal)
