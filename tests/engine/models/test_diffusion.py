"""Denoiser, injection, schedules and the guided loop; facts of AudioLDM at full size on the meta device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from sounddesk.domain.errors import Cancelled
from sounddesk.engine.models.diffusion import Denoiser
from sounddesk.engine.models.diffusion import audioldm_scheduler_config
from sounddesk.engine.models.diffusion import denoise
from sounddesk.engine.models.diffusion import make_scheduler
from sounddesk.engine.models.injection import install_object_attention
from sounddesk.engine.models.injection import load_object_attention
from sounddesk.engine.models.injection import object_attention_state
from sounddesk.engine.types import SamplingSettings
from sounddesk.engine.types import preset_named
from sounddesk.engine.types import steps_of

WIDTH = 12


def tiny_unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=(16, 32),
        attention_head_dim=4,
        norm_num_groups=4,
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=WIDTH,
        class_embeddings_concat=True,
    ).eval()


def audioldm_s_unet() -> UNet2DConditionModel:
    with torch.device("meta"):
        return UNet2DConditionModel(
            sample_size=128,
            in_channels=8,
            out_channels=8,
            block_out_channels=(128, 256, 384, 640),
            layers_per_block=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=(128, 256, 384, 640),
            class_embed_type="simple_projection",
            projection_class_embeddings_input_dim=512,
            class_embeddings_concat=True,
        )


def inputs(count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return (
        torch.randn(count, 4, 8, 4, generator=generator),
        torch.tensor(500),
        torch.randn(count, WIDTH, generator=generator),
    )


def open_branches(denoiser: Denoiser) -> None:
    with torch.no_grad():
        for name, parameter in denoiser.named_parameters():
            if "to_v_object" in name:
                parameter.normal_(std=0.5)


def test_audioldm_s_has_690_keys_and_16_branches_leave_them_unchanged() -> None:
    unet = audioldm_s_unet()
    before = set(unet.state_dict())
    assert len(before) == 690
    assert sum(p.numel() for p in unet.parameters()) == pytest.approx(185.0e6, rel=2e-3)
    with torch.device("meta"):
        added = install_object_attention(unet, condition_width=512)
    assert before < set(unet.state_dict())
    assert len(added) == 32
    assert len({name.split(".processor.")[0] for name in added}) == 16


def test_every_attn2_of_audioldm_is_a_second_self_attention() -> None:
    modules = {name: m for name, m in audioldm_s_unet().named_modules() if name.endswith("attn2")}
    assert len(modules) == 16
    for module in modules.values():
        assert module.to_k.in_features == module.to_k.out_features  # type: ignore[union-attr]


def test_fresh_branches_leave_the_output_bit_identical() -> None:
    plain = Denoiser(tiny_unet(), condition_width=WIDTH, inject="film").eval()
    both = Denoiser(tiny_unet(), condition_width=WIDTH, inject="both").eval()
    latent, step, condition = inputs()
    assert torch.equal(plain(latent, step, condition), both(latent, step, condition))
    open_branches(both)
    assert not torch.allclose(plain(latent, step, condition), both(latent, step, condition))


def test_attention_to_one_token_is_constant_over_positions() -> None:
    query, key, value = torch.randn(1, 2, 30, 8), torch.randn(1, 2, 1, 8), torch.randn(1, 2, 1, 8)
    out = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    assert (out - out[:, :, :1]).abs().max().item() == 0.0


def test_keys_of_a_single_token_branch_get_no_gradient() -> None:
    denoiser = Denoiser(tiny_unet(), condition_width=WIDTH, inject="both")
    open_branches(denoiser)
    latent, step, condition = inputs()
    denoiser(latent, step, condition).square().mean().backward()
    largest = {"to_k_object": 0.0, "to_v_object": 0.0}
    for name, parameter in denoiser.named_parameters():
        for part in largest:
            if part in name:
                assert parameter.grad is not None
                largest[part] = max(largest[part], parameter.grad.abs().max().item())
    # Zero up to rounding: the softmax of a single score is constant.
    assert largest["to_v_object"] > 0
    assert largest["to_k_object"] < 1e-5 * largest["to_v_object"]


def test_cross_injection_leaves_the_film_slot_to_the_null_condition() -> None:
    denoiser = Denoiser(tiny_unet(), condition_width=WIDTH, inject="cross").eval()
    latent, step, condition = inputs()
    null = torch.zeros_like(condition)
    # Closed branches: the condition cannot reach the output, the null vector can.
    assert torch.equal(denoiser(latent, step, condition, null), denoiser(latent, step, condition * 2, null))
    assert not torch.allclose(denoiser(latent, step, condition, null), denoiser(latent, step, condition, null + 1))


def test_save_and_load_are_bit_equal_and_the_unet_folder_stays_plain(tmp_path: Path) -> None:
    denoiser = Denoiser(tiny_unet(), condition_width=WIDTH, inject="both").eval()
    open_branches(denoiser)
    denoiser.save(tmp_path / "unet", tmp_path / "injection" / "model.safetensors")
    loaded = Denoiser.load(
        tmp_path / "unet",
        condition_width=WIDTH,
        inject="both",
        injection_file=tmp_path / "injection" / "model.safetensors",
    )
    latent, step, condition = inputs()
    assert torch.equal(loaded(latent, step, condition), denoiser(latent, step, condition))
    plain = UNet2DConditionModel.from_pretrained(tmp_path / "unet", use_safetensors=True)
    assert set(plain.state_dict()) == set(tiny_unet().state_dict())
    loaded.save(tmp_path / "again" / "unet", tmp_path / "again" / "injection" / "model.safetensors")
    assert str(tmp_path) not in (tmp_path / "again" / "unet" / "config.json").read_text()


def test_time_last_computes_the_same_and_is_never_saved(tmp_path: Path) -> None:
    denoiser = Denoiser(tiny_unet(), condition_width=WIDTH, inject="both").eval()
    open_branches(denoiser)
    latent, step, condition = inputs()
    with torch.no_grad():
        before = denoiser(latent, step, condition)
        denoiser.put_time_last()
        denoiser.put_time_last()
        after = denoiser(latent, step, condition)
        swapped_input = denoiser(latent.transpose(2, 3).contiguous(), step, condition).transpose(2, 3)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)
    # The claim means something only where the two axes are not alike for the network.
    assert (swapped_input - before).abs().max() > 1e-3
    with pytest.raises(ValueError, match="time last"):
        denoiser.save(tmp_path / "unet", tmp_path / "injection.safetensors")


def test_original_heads_change_outputs_and_not_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=(32, 64),
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=WIDTH,
        class_embeddings_concat=True,
    )
    Denoiser(unet, condition_width=WIDTH, inject="film").save(tmp_path, tmp_path / "none.safetensors")
    config = Denoiser.load(tmp_path, condition_width=WIDTH, inject="film")
    original = Denoiser.load(tmp_path, condition_width=WIDTH, inject="film", heads="original")
    for (name, a), (_, b) in zip(config.state_dict().items(), original.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    latent, step, condition = inputs()
    assert not torch.allclose(config(latent, step, condition), original(latent, step, condition))


def test_injection_weights_of_another_unet_are_refused() -> None:
    denoiser = Denoiser(tiny_unet(), condition_width=WIDTH, inject="both")
    state = object_attention_state(denoiser.unet)
    state.pop(next(iter(state)))
    with pytest.raises(ValueError, match="do not fit the U-Net"):
        load_object_attention(denoiser.unet, state)


def test_paper_preset_is_ddim_with_200_steps_from_996_to_1() -> None:
    sampling = SamplingSettings(preset="paper")
    scheduler = make_scheduler(audioldm_scheduler_config(), sampling)
    scheduler.set_timesteps(steps_of(sampling))
    steps = scheduler.timesteps.tolist()
    assert steps == list(range(996, 0, -5))
    assert len(steps) == 200
    assert scheduler.alphas_cumprod[-1].item() == pytest.approx(1.42e-4, rel=5e-3)


def test_draft_preset_has_four_steps_even_in_log_snr() -> None:
    sampling = SamplingSettings(preset="draft")
    scheduler = make_scheduler(audioldm_scheduler_config(), sampling)
    scheduler.set_timesteps(steps_of(sampling))
    steps = scheduler.timesteps
    assert steps.tolist() == [999, 828, 592, 250]
    kept = scheduler.alphas_cumprod[steps].double()
    apart = (kept / (1 - kept)).log().diff()
    torch.testing.assert_close(apart, apart.mean().expand(3), rtol=0.01, atol=0.0)
    # More steps than there are timesteps down there are each taken once.
    scheduler.set_timesteps(1000)
    assert len(set(scheduler.timesteps.tolist())) == len(scheduler.timesteps) <= 750


def test_a_preset_of_another_version_is_the_fast_one() -> None:
    assert [preset_named(name) for name in ("paper", "draft", "fast", "dream")] == ["paper", "draft", "fast", "fast"]


def test_scheduler_is_audioldms_square_root_linear_and_not_linear() -> None:
    scheduler = make_scheduler(audioldm_scheduler_config(), SamplingSettings(preset="paper"))
    expected = torch.linspace(0.0015**0.5, 0.0195**0.5, 1000) ** 2
    torch.testing.assert_close(scheduler.betas, expected)


class _Linear(torch.nn.Module):
    """A denoiser with a known answer: the prediction is the mean of the condition, everywhere."""

    def forward(self, latent: Any, timestep: Any, condition: torch.Tensor, null: Any) -> torch.Tensor:
        return condition.mean(dim=1)[:, None, None, None].expand_as(latent)


def run(sampling: SamplingSettings, condition: torch.Tensor, null: torch.Tensor, **options: Any) -> torch.Tensor:
    noise = torch.randn(condition.shape[0], 4, 8, 4, generator=torch.Generator().manual_seed(1))
    denoiser: Any = _Linear()
    return denoise(
        denoiser,
        scheduler_config=audioldm_scheduler_config(),
        condition=condition,
        null=null,
        noise=noise,
        sampling=sampling,
        **options,
    )


@pytest.mark.parametrize("preset", ["fast", "draft", "paper"])
def test_guidance_is_equation_two(preset: Any) -> None:
    condition, null = torch.full((1, WIDTH), 0.3), torch.full((1, WIDTH), 0.1)
    guided = run(SamplingSettings(preset=preset, steps=4, guidance=2.0), condition, null)
    combined = 2.0 * condition + (1 - 2.0) * null
    alone = run(SamplingSettings(preset=preset, steps=4, guidance=1.0), combined, null)
    torch.testing.assert_close(guided, alone)


def test_guidance_one_runs_no_unconditional_pass() -> None:
    sizes = []

    class _Counting(_Linear):
        def forward(self, latent: Any, timestep: Any, condition: torch.Tensor, null: Any) -> torch.Tensor:
            sizes.append(len(latent))
            return super().forward(latent, timestep, condition, null)

    for guidance in (1.0, 2.0):
        denoiser: Any = _Counting()
        denoise(
            denoiser,
            scheduler_config=audioldm_scheduler_config(),
            condition=torch.zeros(3, WIDTH),
            null=torch.zeros(3, WIDTH),
            noise=torch.zeros(3, 4, 8, 4),
            sampling=SamplingSettings(steps=2, guidance=guidance),
        )
    assert sizes == [3, 3, 6, 6]


def test_steps_are_reported_and_a_raised_cancel_stops_the_loop() -> None:
    seen: list[tuple[int, int]] = []

    def stop_after_two(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            raise Cancelled

    zeros = torch.zeros(1, WIDTH)
    with pytest.raises(Cancelled):
        run(SamplingSettings(steps=5), zeros, zeros, on_step=stop_after_two)
    assert seen == [(1, 5), (2, 5)]


def test_eta_uses_the_takes_own_noise() -> None:
    zeros = torch.zeros(1, WIDTH)
    sampling = SamplingSettings(preset="paper", steps=3, eta=1.0)
    with pytest.raises(ValueError, match="step_noise"):
        run(sampling, zeros, zeros)

    def noise_of(seed: int) -> Any:
        return lambda index: torch.randn(1, 4, 8, 4, generator=torch.Generator().manual_seed(seed + index))

    first = run(sampling, zeros, zeros, step_noise=noise_of(0))
    assert torch.equal(first, run(sampling, zeros, zeros, step_noise=noise_of(0)))
    assert not torch.allclose(first, run(sampling, zeros, zeros, step_noise=noise_of(50)))


@pytest.mark.slow
def test_a_tiny_model_overfits_one_latent_and_samples_it_back() -> None:
    torch.manual_seed(0)
    denoiser = Denoiser(tiny_unet().train(), condition_width=WIDTH, inject="both")
    target = torch.randn(1, 4, 8, 4)
    condition = torch.randn(1, WIDTH)
    config = audioldm_scheduler_config(prediction_type="v_prediction")
    scheduler = make_scheduler(config, SamplingSettings(preset="paper"))
    optimiser = torch.optim.AdamW(denoiser.parameters(), lr=3e-3)
    for _ in range(250):
        clean, noise = target.expand(8, -1, -1, -1), torch.randn(8, 4, 8, 4)
        steps = torch.randint(0, 1000, (8,))
        predicted = denoiser(scheduler.add_noise(clean, noise, steps), steps, condition.expand(8, -1))
        loss = torch.nn.functional.mse_loss(predicted, scheduler.get_velocity(clean, noise, steps))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    sampled = denoise(
        denoiser.eval(),
        scheduler_config=config,
        condition=condition,
        null=condition,
        noise=torch.randn(1, 4, 8, 4, generator=torch.Generator().manual_seed(9)),
        sampling=SamplingSettings(steps=20, guidance=1.0),
    )
    similarity = torch.nn.functional.cosine_similarity(sampled.flatten(), target.flatten(), dim=0)
    assert similarity.item() > 0.9
