"""How near a written character comes to the real one, pixel by pixel.

Holds: L1, RMSE and SSIM of pairs of pictures, ink in [0, 1]. SSIM is scikit-image's with the
window of Wang et al. 2004 (Gaussian, sigma 1.5). The three are what CalliffusionV2 and table 3 of
UniCalli report; both are silent on size and alignment, on which all three depend: figures from
elsewhere cannot stand beside these.

Keeps out: distances of what a network sees (``training.metrics.features``).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

Ink = npt.NDArray[np.uint8]

SIGMA_PX = 1.5


def l1(written: Ink, real: Ink) -> float:
    """Mean absolute difference, 0 (the same) to 1 (black against white)."""
    return float(np.abs(_unit(written) - _unit(real)).mean())


def rmse(written: Ink, real: Ink) -> float:
    """Root of the mean squared difference, 0 to 1."""
    return float(np.sqrt(np.square(_unit(written) - _unit(real)).mean()))


def ssim(written: Ink, real: Ink) -> float:
    """Structural similarity, 1 for the same picture, about 0 for unrelated ones.

    Args:
        written: (H, W), at least 11 pixels each way.
        real: The same size.
    """
    found: float = structural_similarity(  # type: ignore[no-untyped-call]
        _unit(written), _unit(real), data_range=1.0, gaussian_weights=True, sigma=SIGMA_PX,
        use_sample_covariance=False,
    )  # fmt: skip
    return float(found)


def _unit(ink: Ink) -> npt.NDArray[np.float64]:
    return ink.astype(np.float64) / 255
