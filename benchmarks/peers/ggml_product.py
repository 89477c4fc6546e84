"""ggml: `ggml_mul_mat` of BF16, F16, F32, Q8_0 and others, in the libraries of llama-cpp-python.

One graph holds one product for every copy, as one graph is one token in llama.cpp. Its own
quantiser makes the blocks. The buffer is the one llama.cpp would choose: the repacked one where
ggml has a layout for this CPU (not for BF16 and Q8_0 on x86), else the plain one.
"""

from __future__ import annotations

import ctypes
import importlib.util
from ctypes import c_bool, c_char_p, c_int, c_int64, c_size_t, c_void_p
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from process import Figures, Request, answer
from product import Data, Floats, data_of, product_figures

TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 8, "Q4_K": 12, "Q6_K": 14, "BF16": 30}
REPACKED = {"Q4_0", "Q4_K"}


class InitParameters(ctypes.Structure):
    """`struct ggml_init_params`."""

    _fields_ = (("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool))


SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "ggml_init": (c_void_p, [InitParameters]),
    "ggml_new_tensor_2d": (c_void_p, [c_void_p, c_int, c_int64, c_int64]),
    "ggml_mul_mat": (c_void_p, [c_void_p, c_void_p, c_void_p]),
    "ggml_nbytes": (c_size_t, [c_void_p]),
    "ggml_new_graph_custom": (c_void_p, [c_void_p, c_size_t, c_bool]),
    "ggml_build_forward_expand": (None, [c_void_p, c_void_p]),
    "ggml_tensor_overhead": (c_size_t, []),
    "ggml_graph_overhead_custom": (c_size_t, [c_size_t, c_bool]),
    "ggml_quantize_chunk": (
        c_size_t,
        [c_int, c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p],
    ),
    "ggml_backend_cpu_init": (c_void_p, []),
    "ggml_backend_cpu_set_n_threads": (None, [c_void_p, c_int]),
    "ggml_backend_cpu_buffer_type": (c_void_p, []),
    "ggml_backend_get_device": (c_void_p, [c_void_p]),
    "ggml_backend_dev_backend_reg": (c_void_p, [c_void_p]),
    "ggml_backend_reg_get_proc_address": (c_void_p, [c_void_p, c_char_p]),
    "ggml_backend_alloc_ctx_tensors_from_buft": (c_void_p, [c_void_p, c_void_p]),
    "ggml_backend_tensor_set": (None, [c_void_p, c_void_p, c_size_t, c_size_t]),
    "ggml_backend_tensor_get": (None, [c_void_p, c_void_p, c_size_t, c_size_t]),
    "ggml_backend_graph_compute": (c_int, [c_void_p, c_void_p]),
}


class Ggml:
    """The functions above, wherever the package's libraries keep them."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None or spec.origin is None:
            raise ImportError("No module named 'llama_cpp'")
        folder = Path(spec.origin).parent / "lib"
        names = ("libggml-base.so", "libggml-cpu.so", "libggml.so")
        libraries = [ctypes.CDLL(str(folder / name), ctypes.RTLD_GLOBAL) for name in names]
        self._functions: dict[str, Any] = {}
        for name, (result, arguments) in SIGNATURES.items():
            function = next(getattr(lib, name) for lib in libraries if hasattr(lib, name))
            function.restype, function.argtypes = result, arguments
            self._functions[name] = function

    def __call__(self, name: str, *arguments: Any) -> Any:
        return self._functions[f"ggml_{name}"](*arguments)

    def context(self, tensors: int) -> Any:
        size = (tensors + 8) * self("tensor_overhead") + self("graph_overhead_custom", 4096, False)
        return self("init", InitParameters(size, None, True))

    def buffer_type(self, backend: Any, form: str) -> Any:
        if form not in REPACKED:
            return self("backend_cpu_buffer_type")
        device = self("backend_get_device", backend)
        register = self("backend_dev_backend_reg", device)
        name = b"ggml_backend_dev_get_extra_bufts"
        address = self("backend_reg_get_proc_address", register, name)
        extra = ctypes.CFUNCTYPE(ctypes.POINTER(c_void_p), c_void_p)(address)(device)
        return extra[0]


class Products:
    """`copies` weights, one vector, and the graph that multiplies them in turn."""

    def __init__(self, ggml: Ggml, data: Data, form: str, threads: int) -> None:
        self._ggml, self._rows = ggml, data.rows
        self._backend = ggml("backend_cpu_init")
        ggml("backend_cpu_set_n_threads", self._backend, threads)
        kind, count = TYPES[form], data.copies
        weights = ggml.context(count)
        matrices = [
            ggml("new_tensor_2d", weights, kind, data.columns, data.rows) for _ in range(count)
        ]
        self._allocate(weights, ggml.buffer_type(self._backend, form))
        work = ggml.context(count + 1)
        vector = ggml("new_tensor_2d", work, TYPES["F32"], data.columns, 1)
        self._results = [ggml("mul_mat", work, matrix, vector) for matrix in matrices]
        self._graph = ggml("new_graph_custom", work, 4096, False)
        for result in self._results:
            ggml("build_forward_expand", self._graph, result)
        self._allocate(work, ggml("backend_cpu_buffer_type"))
        self.nbytes: int = ggml("nbytes", matrices[0])
        stored = self._stored(data, kind)
        for matrix in matrices:
            ggml("backend_tensor_set", matrix, stored.ctypes.data, 0, self.nbytes)
        ggml("backend_tensor_set", vector, data.vector.ctypes.data, 0, data.vector.nbytes)

    def _allocate(self, context: Any, kind: Any) -> None:
        if not self._ggml("backend_alloc_ctx_tensors_from_buft", context, kind):
            raise MemoryError("ggml could not allocate the tensors")

    def _stored(self, data: Data, kind: int) -> Any:
        rows, columns = data.block.shape
        repeat = data.rows // rows
        out = np.empty(self.nbytes // repeat, np.uint8)
        source = data.block.ctypes.data
        self._ggml("quantize_chunk", kind, source, out.ctypes.data, 0, rows, columns, None)
        return np.tile(out, repeat)

    def multiply(self) -> None:
        status = self._ggml("backend_graph_compute", self._backend, self._graph)
        assert status == 0, f"ggml_backend_graph_compute: status {status}"

    def results(self) -> list[Floats]:
        found = []
        for result in self._results:
            out = np.empty(self._rows, np.float32)
            self._ggml("backend_tensor_get", result, out.ctypes.data, 0, out.nbytes)
            found.append(out)
        return found


def work(request: Request) -> Figures:
    data = data_of(request)
    products = Products(Ggml(), data, request["form"], request["threads"])
    figures = product_figures(
        data, request, products.multiply, lambda _: products.results(), products.nbytes
    )
    version = metadata.version("llama-cpp-python")
    return {**figures, "version": f"ggml of llama-cpp-python {version}"}


if __name__ == "__main__":
    answer(work)
