"""A GPU's peak is that of the card which is there, and none is better than a wrong one."""

import pytest
import torch

from ray_app.training.hardware import GPUS, known, named
from ray_app.training.metrics import peak_flops

DRIVER_NAMES = {
    "NVIDIA H100 80GB HBM3": 989,
    "NVIDIA H100 PCIe": 756,
    "NVIDIA H100 NVL": 835,
    "NVIDIA H200": 989,
    "NVIDIA GH200 480GB": 989,
    "NVIDIA B200": 2250,
    "NVIDIA A100-SXM4-80GB": 312,
    "NVIDIA A100-PCIE-40GB": 312,
    "NVIDIA RTX A6000": 154.8,
    "NVIDIA RTX 6000 Ada Generation": 364.2,
    "NVIDIA A10G": 70,
    "NVIDIA A10": 125,
    "NVIDIA A40": 149.7,
    "NVIDIA L4": 121,
    "NVIDIA L40": 181.1,
    "NVIDIA L40S": 362.1,
    "NVIDIA GeForce RTX 4090": 165.2,
    "NVIDIA GeForce RTX 3090": 71,
}


@pytest.mark.parametrize(("name", "tflops"), DRIVER_NAMES.items())
def test_peak_is_that_of_the_card(name: str, tflops: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert peak_flops(torch.device("cuda"), "bf16") == pytest.approx(tflops * 1e12)
    assert peak_flops(torch.device("cuda"), "fp32") is None


@pytest.mark.parametrize(
    "name", ["Tesla T4", "Tesla V100-SXM2-32GB", "NVIDIA RTX A4000", "NVIDIA GeForce RTX 4090 D", "AMD Instinct MI300X"]
)
def test_unknown_card_has_no_peak(name: str) -> None:
    assert known(name) is None


def test_cpu_has_no_peak() -> None:
    assert peak_flops(torch.device("cpu"), "fp32") is None


def test_a_person_may_write_names_as_they_like() -> None:
    assert named("a6000") == named("A6000")
    assert named("h100-pcie") == known("NVIDIA H100 PCIe")
    assert named("A7000") is None
    assert len({gpu.name.lower() for gpu in GPUS}) == len(GPUS)
