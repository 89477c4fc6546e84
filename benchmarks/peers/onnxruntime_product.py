"""onnxruntime: MatMulNBits of 8 or 4 bits, one scale for every block of columns.

Accuracy level 4 (INT8 activations) is its fastest; one graph holds one product for every copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from process import Figures, Request, answer
from product import Data, Floats, data_of, product_figures


def quantized(values: Floats, bits: int, block: int) -> tuple[Any, Any]:
    """Unsigned codes around 2^(bits - 1), [rows, blocks, bytes], and scales [rows x blocks]."""
    rows, columns = values.shape
    groups = values.reshape(rows, columns // block, block)
    middle = 1 << (bits - 1)
    scales = np.maximum(np.abs(groups).max(2) / (middle - 1), 1e-30)
    codes = (np.rint(groups / scales[:, :, None]) + middle).astype(np.uint8)
    if bits == 4:
        codes = codes[:, :, 0::2] | (codes[:, :, 1::2] << 4)
    return codes, scales.astype(np.float32).reshape(-1)


def graph(data: Data, bits: int, block: int) -> tuple[bytes, int]:
    """A model of `copies` products with one input, and the bytes of one weight."""
    from onnx import TensorProto, helper, numpy_helper

    codes, scales = quantized(data.block, bits, block)
    repeat = data.rows // len(data.block)
    codes, scales = np.tile(codes, (repeat, 1, 1)), np.tile(scales, repeat)
    nodes, initializers, outputs = [], [], []
    settings = {"K": data.columns, "N": data.rows, "bits": bits, "block_size": block}
    for i in range(data.copies):
        initializers.append(numpy_helper.from_array(codes, f"codes{i}"))
        initializers.append(numpy_helper.from_array(scales, f"scales{i}"))
        nodes.append(
            helper.make_node(
                "MatMulNBits",
                ["x", f"codes{i}", f"scales{i}"],
                [f"y{i}"],
                domain="com.microsoft",
                accuracy_level=4,
                **settings,
            )
        )
        outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [1, data.rows]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, data.columns])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    made = helper.make_graph(nodes, "products", [x], outputs, initializers)
    model = helper.make_model(made, opset_imports=opsets, ir_version=10)
    return model.SerializeToString(), codes.nbytes + scales.nbytes


def work(request: Request) -> Figures:
    import onnxruntime

    data = data_of(request)
    bits = {"INT8": 8, "INT4": 4}[request["form"]]
    model, nbytes = graph(data, bits, request["block"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request["threads"]
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    del model
    feed = {"x": data.vector[None]}
    figures = product_figures(data, request, lambda: session.run(None, feed), list, nbytes)
    return {**figures, "version": f"onnxruntime {onnxruntime.__version__}"}


if __name__ == "__main__":
    answer(work)
