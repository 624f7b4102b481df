"""What data sheets say of GPUs: the one table behind MFU, the memory plan and the forecast of a run's length.

Peaks are dense bf16 tensor FLOP/s with fp32 accumulation, in TFLOP/s: what training reaches for. Where a data sheet
prints the figure with sparsity it is halved here, and where GeForce cards accumulate in fp32 at half speed that half
stands. Cards without bf16 (V100, T4) and cards that are not in the table have no peak, and runs on them show no MFU.

    A100, H100, H200, B200, L4, L40, L40S, A10, A40    NVIDIA's data sheets of these names
    RTX A6000, A5000, GeForce 3090                     NVIDIA Ampere GA102 white paper, tables 2 and appendix
    RTX 6000 Ada, GeForce 4090                         NVIDIA Ada GPU architecture white paper, appendix A
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One model of GPU. `pattern` finds it in the name that the driver gives.

    `link_gb_s`: what a reduction over the GPUs of one machine gets per second and GPU, of NVLink or of PCIe: an
    assumption, not a data sheet's. `share`: what large models get of the peak in products, likewise assumed.
    """

    name: str
    pattern: str
    tflops: float
    memory_gib: float
    link_gb_s: float
    share: float


_NVLINK4, _NVLINK3, _PCIE5, _PCIE4 = 300.0, 200.0, 24.0, 12.0

GPUS: tuple[Gpu, ...] = (
    Gpu("B200", r"\bB200\b", 2250, 180, 600, 0.40),
    Gpu("GH200", r"\bGH200\b", 989, 96, _NVLINK4, 0.45),
    Gpu("H200 NVL", r"\bH200 NVL\b", 835, 141, _NVLINK3, 0.45),
    Gpu("H200", r"\bH200\b", 989, 141, _NVLINK4, 0.45),
    Gpu("H100 PCIe", r"\bH100 PCIe\b", 756, 80, _PCIE5, 0.40),
    Gpu("H100 NVL", r"\bH100 NVL\b", 835, 94, _NVLINK3, 0.45),
    Gpu("H100", r"\bH100\b", 989, 80, _NVLINK4, 0.45),
    Gpu("H20", r"\bH20\b", 148, 96, _NVLINK4, 0.60),
    Gpu("A100", r"\bA100\b", 312, 80, _NVLINK3, 0.50),
    Gpu("A40", r"\bA40\b", 149.7, 48, _PCIE4, 0.50),
    Gpu("A10G", r"\bA10G\b", 70, 24, _PCIE4, 0.50),
    Gpu("A10", r"\bA10\b", 125, 24, _PCIE4, 0.45),
    Gpu("A6000", r"\bRTX A6000\b", 154.8, 48, _PCIE4, 0.50),
    Gpu("A5000", r"\bRTX A5000\b", 111.1, 24, _PCIE4, 0.50),
    Gpu("6000 Ada", r"\bRTX 6000 Ada\b", 364.2, 48, _PCIE4, 0.45),
    Gpu("L40S", r"\bL40S\b", 362.1, 48, _PCIE4, 0.45),
    Gpu("L40", r"\bL40\b", 181.1, 48, _PCIE4, 0.50),
    Gpu("L4", r"\bL4\b", 121, 24, _PCIE4, 0.40),
    Gpu("4090", r"\bRTX 4090\b(?! D)", 165.2, 24, _PCIE4, 0.50),
    Gpu("3090", r"\bRTX 3090\b", 71, 24, _PCIE4, 0.50),
)


def known(driver_name: str) -> Gpu | None:
    """The GPU that a driver calls so, such as "NVIDIA H100 80GB HBM3" or "NVIDIA A100-SXM4-80GB"."""
    return next((gpu for gpu in GPUS if re.search(gpu.pattern, driver_name, re.IGNORECASE)), None)


def named(name: str) -> Gpu | None:
    """The GPU of the table that a person calls so, whatever the case: "a6000", "H100 PCIe", "h100-pcie"."""
    wanted = name.lower().replace("-", " ")
    return next((gpu for gpu in GPUS if gpu.name.lower() == wanted), None)
