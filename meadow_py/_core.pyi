"""The C++ core. Arrays in are C-contiguous; `dtype` is spelled as in safetensors.

Raw 16-bit floats travel as uint16 bit patterns, because numpy itself has no BF16.
`threads=0` means all cores. Every function gives the same bits for any number of threads.

Functions that take arrays or streams work without the GIL and end early, well within a second, by
what a signal handler raises in the main thread (Ctrl-C: KeyboardInterrupt) and by `cancel_running`.
"""

from typing import Any, Literal, TypedDict, overload

import numpy as np
import numpy.typing as npt

_Array = npt.NDArray[Any]
_Granularity = Literal["tensor", "row", "group"]

# -- what was built, and what runs ------------------------------------------------------------

def isa_available() -> list[str]: ...
def isa_active() -> str: ...
def isa_select(name: str) -> None: ...
def build_info() -> dict[str, str]: ...
def hardware_threads() -> int: ...
def cancel_running() -> None:
    """End the calls of this module that are running now, in all threads of the process.

    They raise `concurrent.futures.CancelledError`, each at its next look, some 50 ms later. A call
    that ends before that returns its result. Calls that begin later are not touched.
    """

# -- number: what the stored bits hold, and quantisation --------------------------------------

def content_dtype(values: _Array, dtype: str, threads: int = 0) -> str:
    """The narrowest of F32, F16, BF16 that holds every value bit for bit.

    `values` is uint32 (dtype "F32") or uint16 ("F16", "BF16") of any shape. F32 made of BF16
    values gives "BF16", of F16 values "F16"; F16 that was made from BF16 values gives "BF16".
    """

def quantize(
    values: _Array,
    dtype: str,
    bits: int,
    symmetric: bool,
    granularity: _Granularity,
    group: int,
    name: str = "weight",
    threads: int = 0,
) -> tuple[_Array, npt.NDArray[np.float32], npt.NDArray[np.int32] | None, float, float]:
    """Quantise a `[out, in]` weight.

    `values`: float32 ("F32"), float64 ("F64") or uint16 bits ("F16", "BF16"); 2-D.
    Returns codes (int8 if symmetric, else uint8; `[out, in]`), scales `[1, 1]`, `[out, 1]` or
    `[out, ceil(in / group)]`, zero points of the same shape (None if symmetric), the sum of
    squares of the weights, and of the errors. Raises ValueError for NaN or infinity, naming
    the weight and the index.
    """

def dequantize(
    codes: _Array,
    scales: npt.NDArray[np.float32],
    zero_points: npt.NDArray[np.int32] | None,
    group: int,
    threads: int = 0,
) -> npt.NDArray[np.float32]:
    """`(code - zero point) * scale` in float32; `group` is the number of inputs per scale."""

# -- stats: histograms, entropies, chunks -----------------------------------------------------

def symbol_counts(codes: _Array, bits: int, threads: int = 0) -> npt.NDArray[np.uint64]:
    """How often each of the `2**bits` codes occurs; int8/uint8/int16/uint16 codes, bits <= 16.

    Signed codes are counted by their low `bits` bits.
    """

def field_counts(
    values: _Array, dtype: str, threads: int = 0
) -> tuple[npt.NDArray[np.uint64], ...]:
    """Counts of sign, exponent and mantissa of raw floats, one table per field.

    `values` are bit patterns: uint32 for F32, uint16 for F16 and BF16, uint8 for F8_E4M3 and
    F8_E5M2. The 23 mantissa bits of F32 come in slices of 7, 8 and 8 bits, the highest first.
    The `joint` counts of a 16-bit float are `symbol_counts(values, 16)`.
    """

def entropy(counts: npt.NDArray[np.uint64] | npt.NDArray[np.uint32]) -> float:
    """Order-0 entropy in bits per symbol of a table of counts."""

def huffman_lengths(
    counts: npt.NDArray[np.uint64], longest: int | None = None
) -> npt.NDArray[np.uint8]:
    """Bits of each symbol's code in a code with the fewest bits, `longest` at most; None: any.

    0 for symbols that do not occur; a lone symbol takes one bit. ValueError for a limit too short
    for so many symbols.
    """

def unique_chunks(
    codes: _Array, bits: int, chunk: int, along: Literal["in", "out"] = "in", threads: int = 0
) -> tuple[_Array, npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Dictionary `[unique, chunk]` in order of first appearance, counts, indices of all chunks.

    `codes` is a 2-D (u)int8, (u)int16 or (u)int32 array with values that fit in `bits`.
    """

# -- codec: MEADOW packing --------------------------------------------------------------------

class StreamInfo(TypedDict):
    """What a coded stream says of itself; sizes in bits, and they add up to `bytes * 8`."""

    codec: str  # "dictionary" or "packets"
    shape: tuple[int, int]
    bits: int
    signed: bool
    chunk: int
    along: str
    unique: int
    index_bits: int  # of naive indices; the widest width of packets
    reindexed: bool
    packet_length: int  # 1 for "dictionary"
    mode_bits: int  # 0 for "dictionary"
    widths: tuple[int, ...]  # in mode order
    bytes: int
    header_bits: int  # header, tile index, checksum
    dictionary_bits: int
    mode_payload_bits: int
    index_payload_bits: int
    padding_bits: int

class Chunks:
    """Codes cut in chunks and their dictionary, kept in the core, ready to be packed.

    The elements must be the narrowest that hold `bits`, because a stream gives back those. The
    codes are referred to, not copied: they must not change while this lives.
    """

    def __init__(
        self,
        codes: _Array,
        bits: int,
        chunk: int,
        along: Literal["in", "out"] = "in",
        threads: int = 0,
    ) -> None: ...
    @property
    def count(self) -> int:
        """How many chunks there are."""
    @property
    def unique(self) -> int: ...
    def dictionary(self) -> _Array: ...
    def counts(self) -> npt.NDArray[np.uint32]: ...
    def indices(self) -> npt.NDArray[np.uint32]: ...
    def entropy(self) -> float:
        """Order-0 entropy in bits per chunk."""
    def growth(self, points: int = 16) -> list[tuple[int, int]]:
        """How the dictionary grows: (chunks read, distinct chunks among them).

        Chunks are read in the order in which they are cut: row by row, along the chunk dimension.
        Up to `points` evenly spaced positions, fewer where there are fewer chunks; the last is
        (`count`, `unique`). Raises ValueError for no points.
        """
    @overload
    def pack_dictionary(
        self, verify: bool = True, *, info_only: Literal[False] = False
    ) -> bytes: ...
    @overload
    def pack_dictionary(self, verify: bool = True, *, info_only: Literal[True]) -> StreamInfo:
        """Unique matrix and indices of one fixed width (MEADOW's naive packing).

        With `info_only` the stream is made, verified and described, but not kept.
        """
    @overload
    def pack_packets(
        self,
        reindex: bool,
        packet_length: int = 0,
        widths: tuple[int, ...] = (),
        verify: bool = True,
        *,
        info_only: Literal[False] = False,
    ) -> bytes: ...
    @overload
    def pack_packets(
        self,
        reindex: bool,
        packet_length: int = 0,
        widths: tuple[int, ...] = (),
        verify: bool = True,
        *,
        info_only: Literal[True],
    ) -> StreamInfo:
        """Indices in packets with mode bits. Length 0 and no widths: the best are searched."""

def stream_info(stream: bytes, threads: int = 0) -> StreamInfo:
    """Read and check the header and the checksum. Raises FormatError."""

def decode(stream: bytes, threads: int = 0, max_bytes: int = 2**64 - 1) -> _Array:
    """The codes `[out, in]`, bit for bit. Raises FormatError.

    A stream of one chunk repeated is small however large its weight: for a stream from strangers,
    `max_bytes` says how many bytes of codes it may promise.
    """

# -- blob: one tensor, coded losslessly ---------------------------------------------------------

def encode_floats(
    raw: Any, dtype: str, columns: int, effort: str = "balanced", threads: int = 0
) -> npt.NDArray[np.uint8]:
    """F32, F16 or BF16 bytes to a blob; `columns` is the length of a row, 0 if there are none."""

def encode_records(
    raw: Any,
    dtype: str,
    kind: str,
    record_bytes: int,
    planes: tuple[tuple[int, int, int], ...],
    effort: str = "balanced",
    threads: int = 0,
) -> npt.NDArray[np.uint8]:
    """Records of bytes to a blob.

    `kind` "segments": a plane is (byte offset, bytes, 8) of every record; "groups": (bit offset, 1,
    bits) of every element of 1, 2, 4 or 8 bytes. Planes hold each bit of a record once.
    """

def encode_planes(
    raw: Any, dtype: str, rows: int, columns: int, threads: int = 0
) -> npt.NDArray[np.uint8] | None:
    """F32, F16 or BF16 to a blob of planes, a runtime codec.

    None where BF16 does not hold every value, where a row has more than 2^21 columns, and where the
    blob would not be smaller than the values in BF16.
    """

def decode_planes(
    blob: Any, first: int, last: int, out: npt.NDArray[np.uint8], threads: int = 0
) -> None: ...
def verify_planes(blob: Any, threads: int = 0) -> None: ...
def planes_info(blob: Any) -> dict[str, Any]: ...
def decode_blob(blob: Any, out: npt.NDArray[np.uint8], threads: int = 0) -> None: ...
def decode_tiles(
    blob: Any, first: int, last: int, out: npt.NDArray[np.uint8], threads: int = 0
) -> None:
    """Tiles first .. last - 1 into `out` of exactly their bytes. Raises FormatError."""

def verify_blob(blob: Any, threads: int = 0) -> None: ...
def blob_info(blob: Any) -> dict[str, Any]: ...

# -- matrices: weights as they are multiplied ---------------------------------------------------

class Matrix:
    """A weight `[out, in]`, dense or packed; products are the same bits in every form."""

    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """What one product with one vector reads of the weight."""
    @property
    def form(self) -> str:
        """A dtype for dense weights, else the name of a packed form."""
    def multiply(
        self, x: npt.NDArray[np.float32], threads: int = 0, activations: str = "F32"
    ) -> npt.NDArray[np.float32]:
        """`x [tokens, in]` times the transposed weight: `[tokens, out]`.

        With activations BF16, `x` is rounded to BF16 first and denormals count as zeros; weights
        in integers take no notice.
        """
    def row(self, row: int) -> npt.NDArray[np.float32]:
        """The values of one row, exactly."""
    def parts(self) -> tuple[dict[str, Any], dict[str, _Array]]:
        """A header that JSON takes, and read-only views of the memory; see `matrix_of_parts`."""
    def __copy__(self) -> Matrix:
        """The same object: nothing can change it."""
    def __deepcopy__(self, memo: dict[int, Any]) -> Matrix:
        """With memory of its own."""

def matrix_of_parts(header: dict[str, Any], parts: dict[str, _Array], copy: bool = False) -> Matrix:
    """The matrix that `Matrix.parts` took apart, over the arrays, which are kept, or over copies.

    Parts are checked. ValueError for a missing, unknown or misaligned part, or one of another
    size; TypeError for another dtype; FormatError for parts that contradict themselves.
    """

def decoded_matrix(header: dict[str, Any], parts: dict[str, _Array], matrix: Matrix) -> Matrix:
    """A matrix whose form and parts are the given ones, multiplied by `matrix`.

    ValueError for a header without form, rows and columns, or of another shape.
    """

def dense_matrix(values: Any, dtype: str, rows: int, columns: int) -> Matrix:
    """Over bytes in a row of F32, BF16 or F16, which are not copied, but kept."""

def packed_matrix(values: Any, dtype: str, rows: int, columns: int, threads: int = 0) -> Matrix:
    """The same packed in planes, copied. ValueError for values that BF16 does not hold exactly."""

def packed_f16_matrix(values: Any, rows: int, columns: int, threads: int = 0) -> Matrix:
    """Bytes of F16, all of them finite, packed in planes, copied. ValueError for NaN, infinity."""

def integer_matrix(
    codes: npt.NDArray[np.int8],
    scales: npt.NDArray[np.float32],
    per_scale: int,
    packed: bool = True,
    activations: Literal["int8", "none"] = "int8",
    threads: int = 0,
) -> Matrix:
    """Of symmetric codes `[out, in]`, copied.

    `per_scale` 0: one scale; in: one for each row; else a multiple of 32 inputs, `scales` row by
    row. `activations` "int8": rounded to 8 bits with a scale for each token; "none": weight-only.
    """

def quantize_q8(
    weights: npt.NDArray[np.float32], name: str, threads: int = 0
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32], npt.NDArray[np.uint8], float, float]:
    """Codes `[out, in]`, row scales `[out]`, coded scales `[out, ceil(in/32)]`, and the sums of
    squares of weights and errors. ValueError for NaN and infinity."""

def q8_matrix(
    codes: npt.NDArray[np.int8],
    row_scales: npt.NDArray[np.float32],
    coded_scales: npt.NDArray[np.uint8],
    packed: bool = False,
    activations: Literal["int8", "none"] = "int8",
    threads: int = 0,
) -> Matrix:
    """Of codes `[out, in]`; 32 inputs share the scale coded `[out, in/32]` * row `[out]`."""

def mapped_matrix(blob: Any) -> Matrix:
    """Over a blob of `encode_planes`, which is not copied, but kept: a mapped file stays mapped.

    Only its head is read. FormatError if that is damaged; codes and lower bytes are as they are,
    see `verify_planes`. ValueError unless the blob begins at a multiple of 4 bytes.
    """

# -- measure: how fast this host is -------------------------------------------------------------

def read_stream(buffer: Any, threads: int = 0) -> int:
    """The exclusive or of the 64-bit words of bytes in a row, read once, as fast as they come.

    Each thread reads at eight places at a time. Raises ValueError for bytes that are no whole
    words.
    """

# -- the engine: a decoder-only transformer over matrices of any form ---------------------------

class AttentionTraffic(TypedDict):
    """Bytes that attention moves between its steps, over all layers."""

    queries: int
    """Read."""
    keys: int
    """Read, once for each block of tokens of a head."""
    values: int
    """Read, once for each block of tokens of a head."""
    outputs: int
    """Written."""
    scores_written: int
    """To the buffer between the steps, which "tphs" does without."""
    scores_read: int
    """From that buffer."""
    working_set: int
    """Scores held at once: by one core in "tphs", by all of them together in "gemm"."""

class Engine:
    """A transformer: a config, matrices and vectors by name, checked against each other.

    ValueError for a name or key that is missing or unknown and for a shape that disagrees with the
    config; TypeError for a matrix or vector of another kind. Any number of threads may run one
    engine, each with its own cache.
    """

    def __init__(
        self,
        config: dict[str, Any],
        matrices: dict[str, Matrix],
        vectors: dict[str, npt.NDArray[np.float32]],
    ) -> None: ...
    @property
    def vocab(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def positions(self) -> int:
        """The longest context."""
    @property
    def parameters(self) -> int:
        """Values of all weights; a matrix in two places counts once."""
    @property
    def weight_bytes(self) -> int:
        """What decoding one token reads of all weights: of tables of rows one row, else all."""
    @overload
    def forward(
        self,
        tokens: npt.NDArray[np.int32],
        cache: Cache,
        logits: Literal["last", "all"] = "last",
        dataflow: Literal["tphs", "gemm"] = "tphs",
        threads: int = 0,
    ) -> npt.NDArray[np.float32]:
        """Logits `[vocab]` of the last of `tokens [count]`, or `[count, vocab]` of all.

        The tokens follow those in the cache. ValueError, and a cache as before, for no tokens, an
        id outside the vocabulary, more tokens than the cache has room for, logits that hold NaN,
        and a cache of another engine or in use by another thread.
        """
    @overload
    def forward(
        self,
        tokens: npt.NDArray[np.int32],
        cache: Cache,
        logits: Literal["none"],
        dataflow: Literal["tphs", "gemm"] = "tphs",
        threads: int = 0,
    ) -> None: ...
    def attention_traffic(
        self, tokens: int, before: int = 0, dataflow: Literal["tphs", "gemm"] = "tphs"
    ) -> AttentionTraffic:
        """Counted for `tokens` new tokens behind `before`, as `forward` cuts the work."""

class Cache:
    """Keys and values in F32 of the tokens so far, for one engine.

    ValueError unless `capacity`, in tokens, is from 1 to `engine.positions`.
    """

    def __init__(self, engine: Engine, capacity: int) -> None: ...
    @property
    def length(self) -> int:
        """Tokens so far."""
    @property
    def capacity(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """Reserved; the system provides the memory when a token first needs it."""
    def truncate(self, length: int) -> None:
        """Forget all tokens but the first `length`."""

# -- sampling: from logits to tokens -------------------------------------------------------------

class Sampler:
    """Chooses tokens; the same seed gives the same ones on every platform.

    The options are applied in the order repetition_penalty, temperature, top_k, top_p, min_p, each
    as the logits processor of that name in transformers. `temperature=0`: the first of the largest.
    `top_k=0`: no limit. `seed`: 0 to 2**64 - 1. Raises ValueError for options that mean nothing.
    """

    def __init__(
        self,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
        min_p: float,
        repetition_penalty: float,
        seed: int,
    ) -> None: ...
    def choose(self, logits: npt.NDArray[np.float32], previous: npt.NDArray[np.int32]) -> int:
        """The next token; `previous` (1-D) matters to the repetition penalty alone.

        Raises ValueError for NaN, infinity, and logits that are all minus infinity.
        """

def log_probabilities(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int32], threads: int = 0
) -> npt.NDArray[np.float64]:
    """The natural logarithm of softmax(logits)[target], for every row `[n, vocabulary]`."""
