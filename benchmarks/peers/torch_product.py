"""torch: BF16 and F32 linear, INT8 weights (`_weight_int8pack_mm`), dynamic qint8."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from process import Figures, Request, answer
from product import Data, Floats, data_of, product_figures


def float_linear(data: Data, dtype: str) -> tuple[Callable[[], list[Any]], float]:
    import torch

    kind = getattr(torch, dtype)
    weights = [torch.from_numpy(data.matrix()).to(kind) for _ in range(data.copies)]
    x = torch.from_numpy(data.vector[None]).to(kind)
    linear = torch.nn.functional.linear
    return lambda: [linear(x, w) for w in weights], data.rows * data.columns * kind.itemsize


def vector_product(data: Data) -> tuple[Callable[[], list[Any]], float]:
    """torch.mv without oneDNN, which is its faster way through one BF16 vector."""
    import torch

    one_dnn: Any = torch.backends.mkldnn
    one_dnn.set_flags(False)
    weights = [torch.from_numpy(data.matrix()).bfloat16() for _ in range(data.copies)]
    x = torch.from_numpy(data.vector).bfloat16()
    return lambda: [torch.mv(w, x) for w in weights], 2 * data.rows * data.columns


def int8_packed(data: Data) -> tuple[Callable[[], list[Any]], float]:
    """Weight-only INT8, one scale a row; BF16 activations, since F32 ones have no fast kernel."""
    import torch

    values = torch.from_numpy(data.matrix())
    scales = values.abs().amax(1) / 127
    codes = (values / scales[:, None]).round().to(torch.int8)
    weights = [codes.clone() for _ in range(data.copies)]
    x, scales = torch.from_numpy(data.vector[None]).bfloat16(), scales.bfloat16()
    multiply = torch._weight_int8pack_mm
    return lambda: [multiply(x, w, scales) for w in weights], data.rows * (data.columns + 2)


def qint8_dynamic(data: Data) -> tuple[Callable[[], list[Any]], float]:
    """What `quantize_dynamic` puts in the place of a Linear."""
    import torch

    values = torch.from_numpy(data.matrix())
    scale = float(values.abs().max()) / 127
    packed = []
    for _ in range(data.copies):
        quantized = torch.quantize_per_tensor(values, scale, 0, torch.qint8)
        packed.append(torch.ops.quantized.linear_prepack(quantized, None))
    x = torch.from_numpy(data.vector[None])
    multiply = torch.ops.quantized.linear_dynamic
    return lambda: [multiply(x, w, False) for w in packed], data.rows * data.columns


def work(request: Request) -> Figures:
    import torch

    torch.set_num_threads(request["threads"])
    data = data_of(request)
    forms: dict[str, Callable[[], tuple[Callable[[], list[Any]], float]]] = {
        "BF16": lambda: float_linear(data, "bfloat16"),
        "BF16, mv": lambda: vector_product(data),
        "F32": lambda: float_linear(data, "float32"),
        "INT8": lambda: int8_packed(data),
        "QINT8": lambda: qint8_dynamic(data),
    }
    multiply, nbytes = forms[request["form"]]()

    def read(results: list[Any]) -> list[Floats]:
        return [y.float().numpy() for y in results]

    version = f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
    if request["form"] == "QINT8":
        version += f", engine {torch.backends.quantized.engine}"
    with torch.inference_mode():
        figures = product_figures(data, request, multiply, read, nbytes)
    return {**figures, "version": version}


if __name__ == "__main__":
    answer(work)
