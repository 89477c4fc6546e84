"""The C++ core. Array arguments are C-contiguous; `dtype` is spelled as in safetensors.

Raw 16-bit floats are passed as uint16 bit patterns, because numpy itself has no BF16.
`threads=0` means all cores. Every function gives the same bits for any number of threads.

Functions that take arrays or streams release the GIL. They end early, well within a second, when a
signal handler raises in the main thread (Ctrl-C: KeyboardInterrupt), and on `cancel_running`.
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

    They raise `concurrent.futures.CancelledError` when they next check for it, after about 50 ms.
    A call that finishes before that returns its result. Calls that begin later are not affected.
    """

# -- number: what the stored bits hold, and quantisation --------------------------------------

def content_dtype(values: _Array, dtype: str, threads: int = 0) -> str:
    """The narrowest of F32, F16, BF16 that holds every value bit for bit.

    `values` is uint32 (dtype "F32") or uint16 ("F16", "BF16") of any shape. F32 made from BF16
    values gives "BF16", F32 made from F16 values "F16", and F16 made from BF16 values "BF16".
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
    `[out, ceil(in / group)]`, zero points of the same shape (None if symmetric), and the sums of
    squares of the weights and of the errors. Raises ValueError for NaN or infinity, naming the
    weight and the index.
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

    A signed code is counted under its low `bits` bits.
    """

def field_counts(
    values: _Array, dtype: str, threads: int = 0
) -> tuple[npt.NDArray[np.uint64], ...]:
    """Counts of sign, exponent and mantissa of raw floats, one table per field.

    `values` are bit patterns: uint32 for F32, uint16 for F16 and BF16, uint8 for F8_E4M3 and
    F8_E5M2. The 23 mantissa bits of F32 are cut into slices of 7, 8 and 8 bits, highest first.
    The `joint` counts of a 16-bit float are `symbol_counts(values, 16)`.
    """

def entropy(counts: npt.NDArray[np.uint64] | npt.NDArray[np.uint32]) -> float:
    """Order-0 entropy of a table of counts, in bits per symbol."""

def huffman_lengths(
    counts: npt.NDArray[np.uint64], longest: int | None = None
) -> npt.NDArray[np.uint8]:
    """Code lengths of an optimal Huffman code, at most `longest` bits each (None: no limit).

    Symbols that do not occur have length 0; a lone symbol has length 1. Raises ValueError if
    `longest` is too short for the number of symbols.
    """

def unique_chunks(
    codes: _Array, bits: int, chunk: int, along: Literal["in", "out"] = "in", threads: int = 0
) -> tuple[_Array, npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Dictionary `[unique, chunk]` in order of first appearance, its counts, and all indices.

    `codes` is a 2-D (u)int8, (u)int16 or (u)int32 array whose values fit in `bits`.
    """

# -- codec: MEADOW packing --------------------------------------------------------------------

class StreamInfo(TypedDict):
    """Description of a coded stream; the sizes in bits add up to `bytes * 8`."""

    codec: str  # "dictionary" or "packets"
    shape: tuple[int, int]
    bits: int
    signed: bool
    chunk: int
    along: str
    unique: int
    index_bits: int  # width of naive indices; the largest width of packets
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
    """Codes cut into chunks, and their dictionary, kept in the core and ready to be packed.

    The codes must have the narrowest dtype that holds `bits`, because decoding a stream returns
    that dtype. They are not copied, and must not change while this object exists.
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
        """Number of chunks."""
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
        There are up to `points` evenly spaced positions, fewer if there are fewer chunks; the last
        is (`count`, `unique`). Raises ValueError if `points` is less than 1.
        """
    @overload
    def pack_dictionary(
        self, verify: bool = True, *, info_only: Literal[False] = False
    ) -> bytes: ...
    @overload
    def pack_dictionary(self, verify: bool = True, *, info_only: Literal[True]) -> StreamInfo:
        """Pack as a dictionary and indices of one fixed width (MEADOW's naive packing).

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
        """Pack as a dictionary and indices in packets with mode bits.

        With length 0 and no widths, the best ones are searched for.
        """

def stream_info(stream: bytes, threads: int = 0) -> StreamInfo:
    """Read the header, and check it and the checksum. Raises FormatError."""

STREAM_CODECS: tuple[str, ...]  # names of the codecs that `stream_info` may find
MAX_CHUNK: int  # codes in a chunk
MAX_CODE_BITS: int  # bits of a code

def decode(stream: bytes, threads: int = 0, max_bytes: int = 2**64 - 1) -> _Array:
    """The codes `[out, in]`, bit for bit. Raises FormatError.

    A stream that repeats one chunk is small however large its weight. For streams from untrusted
    sources, `max_bytes` limits the bytes of codes that a stream may decode to.
    """

# -- blob: one tensor, coded losslessly ---------------------------------------------------------

# Bytes of a blob's head: the fixed part, the entry of each plane and of each tile, the checksum.
BLOB_FIXED_BYTES: int
BLOB_PLANE_BYTES: int
BLOB_TILE_BYTES: int
BLOB_CHECKSUM_BYTES: int
CODING_SIZE_BYTES: dict[str, int]  # by coding: bytes of a tile that hold sizes of a plane

PLANES_MAGIC: bytes  # a blob of planes begins with it
PLANES_TABLE_ENTRIES: int  # upper bytes that a table of 64 rows holds
PLANES_CODE_BITS: int  # bits of the code of an upper byte

def encode_floats(
    raw: Any, dtype: str, columns: int, effort: str = "balanced", threads: int = 0
) -> npt.NDArray[np.uint8]:
    """Encode F32, F16 or BF16 bytes as a blob; `columns` is the length of a row, 0 without rows."""

def encode_records(
    raw: Any,
    dtype: str,
    kind: str,
    record_bytes: int,
    planes: tuple[tuple[int, int, int], ...],
    effort: str = "balanced",
    threads: int = 0,
) -> npt.NDArray[np.uint8]:
    """Encode records of bytes as a blob.

    With `kind` "segments", a plane is (byte offset, bytes, 8) of every record; with "groups", it is
    (bit offset, 1, bits) of every element of 1, 2, 4 or 8 bytes. The planes hold each bit of a
    record exactly once.
    """

def encode_planes(
    raw: Any, dtype: str, rows: int, columns: int, threads: int = 0
) -> npt.NDArray[np.uint8] | None:
    """Encode F32, F16 or BF16 values as a blob of planes, which is a runtime codec.

    Returns None if BF16 does not hold every value, if there are more than 2^21 columns, or if the
    blob would not be smaller than the values in BF16.
    """

def decode_planes(
    blob: Any, first: int, last: int, out: npt.NDArray[np.uint8], threads: int = 0
) -> None: ...
def verify_planes(blob: Any, threads: int = 0) -> None: ...
def planes_info(blob: Any) -> dict[str, Any]:
    """What the head says; `block_bytes` are the codes and lower bytes of every block of rows."""

def decode_blob(blob: Any, out: npt.NDArray[np.uint8], threads: int = 0) -> None: ...
def decode_tiles(
    blob: Any, first: int, last: int, out: npt.NDArray[np.uint8], threads: int = 0
) -> None:
    """Decode tiles first .. last - 1 into `out`, which has exactly their size.

    Raises FormatError.
    """

def verify_blob(blob: Any, threads: int = 0) -> None: ...
def blob_info(blob: Any) -> dict[str, Any]: ...

# -- matrices: weights as they are multiplied ---------------------------------------------------

class Matrix:
    """A weight `[out, in]`, dense or packed; products have the same bits in every form."""

    @property
    def rows(self) -> int: ...
    @property
    def columns(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """Bytes of the weight that one product with one vector reads."""
    @property
    def form(self) -> str:
        """A dtype for dense weights; otherwise the name of a packed form."""
    def multiply(
        self, x: npt.NDArray[np.float32], threads: int = 0, activations: str = "F32"
    ) -> npt.NDArray[np.float32]:
        """`x [tokens, in]` times the transposed weight: `[tokens, out]`.

        With activations BF16, `x` is rounded to BF16 first, and denormals count as zeros; integer
        weights ignore `activations`.
        """
    def row(self, row: int) -> npt.NDArray[np.float32]:
        """The values of one row, exactly."""
    def parts(self) -> tuple[dict[str, Any], dict[str, _Array]]:
        """A header of JSON values, and read-only views of the memory; see `matrix_of_parts`."""
    def __copy__(self) -> Matrix:
        """The same object, because a matrix cannot change."""
    def __deepcopy__(self, memo: dict[int, Any]) -> Matrix:
        """A matrix with memory of its own."""

def matrix_of_parts(header: dict[str, Any], parts: dict[str, _Array], copy: bool = False) -> Matrix:
    """A matrix from the result of `Matrix.parts`, over the arrays, which it keeps alive, or copies.

    Parts are checked. Raises ValueError for a missing, unknown or misaligned part or one of the
    wrong size, TypeError for a wrong dtype, and FormatError for inconsistent parts.
    """

def decoded_matrix(header: dict[str, Any], parts: dict[str, _Array], matrix: Matrix) -> Matrix:
    """A matrix that has the given form and parts, and whose products `matrix` does.

    Raises ValueError for a header without form, rows or columns, or with another shape.
    """

def dense_matrix(values: Any, dtype: str, rows: int, columns: int) -> Matrix:
    """A matrix over contiguous bytes of F32, BF16 or F16, which are kept alive, not copied."""

def bf16_planes_matrix(
    values: Any, dtype: str, rows: int, columns: int, threads: int = 0
) -> Matrix:
    """A matrix of F32, BF16 or F16 values in planes; they are copied.

    Raises ValueError for values that BF16 does not hold exactly.
    """

def f16_planes_matrix(values: Any, rows: int, columns: int, threads: int = 0) -> Matrix:
    """A matrix of F16 values in planes; they are copied. Raises ValueError for NaN and infinity."""

def integer_matrix(
    codes: npt.NDArray[np.int8],
    scales: npt.NDArray[np.float32],
    per_scale: int,
    packed: bool = True,
    activations: Literal["int8", "none"] = "int8",
    threads: int = 0,
) -> Matrix:
    """A matrix of symmetric codes `[out, in]`, which are copied.

    `per_scale` is the number of inputs that share a scale: 0 for one scale in all, `in` for one per
    row, or else a multiple of 32, with `scales` row by row. With `activations` "int8", inputs are
    rounded to 8 bits with a scale for each token; with "none" they are not (weight-only).
    """

def quantize_q8(
    weights: npt.NDArray[np.float32], name: str, threads: int = 0
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32], npt.NDArray[np.uint8], float, float]:
    """Codes `[out, in]`, row scales `[out]`, coded scales `[out, ceil(in/32)]`, and the sums of
    squares of weights and of errors. Raises ValueError for NaN and infinity."""

def q8_matrix(
    codes: npt.NDArray[np.int8],
    row_scales: npt.NDArray[np.float32],
    coded_scales: npt.NDArray[np.uint8],
    packed: bool = False,
    activations: Literal["int8", "none"] = "int8",
    threads: int = 0,
) -> Matrix:
    """A matrix of codes `[out, in]`, which are copied.

    Every 32 inputs share a scale, `coded_scales [out, ceil(in/32)] * row_scales [out]`.
    """

def mapped_matrix(blob: Any) -> Matrix:
    """A matrix over a blob of `encode_planes`, which is not copied; a mapped file stays mapped.

    Only the head of the blob is read. Raises FormatError if that is damaged; codes and lower bytes
    are not checked, see `verify_planes`. Raises ValueError unless the blob begins at a multiple of
    4 bytes.
    """

# -- measure: how fast this host is -------------------------------------------------------------

def read_stream(buffer: Any, threads: int = 0) -> int:
    """Read contiguous bytes once, as fast as possible; returns the XOR of their 64-bit words.

    Each thread reads eight streams at a time. Raises ValueError if the bytes are not whole words.
    """

# -- the engine: a decoder-only transformer over matrices of any form ---------------------------

class AttentionTraffic(TypedDict):
    """Bytes that the steps of attention read and write, over all layers."""

    queries: int
    """Read."""
    keys: int
    """Read, once for each block of tokens of a head."""
    values: int
    """Read, once for each block of tokens of a head."""
    outputs: int
    """Written."""
    scores_written: int
    """Written to the buffer between the steps, which "tphs" does not need."""
    scores_read: int
    """Read from that buffer."""
    working_set: int
    """Scores held at once: by one core with "tphs", by all cores together with "gemm"."""

class Engine:
    """A transformer: a config, and matrices and vectors by name, checked against each other.

    Raises ValueError for a missing or unknown name or key and for a shape that disagrees with the
    config, and TypeError for a matrix or vector of the wrong type. Any number of threads may use
    one engine, each with its own cache.
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
        """Number of values in all weights; a matrix that is used twice counts once."""
    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights that decoding one token reads: of tables one row, of others all."""
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

        The tokens follow those in the cache. Raises ValueError, and leaves the cache as it was, for
        no tokens, an id outside the vocabulary, more tokens than the cache has room for, logits
        that hold NaN, and a cache that belongs to another engine or is in use by another thread.
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
        """Traffic of `tokens` new tokens after `before` others, as `forward` cuts the work."""

class Cache:
    """Keys and values of the tokens so far, in F32, for one engine.

    Raises ValueError unless `capacity`, in tokens, is from 1 to `engine.positions`.
    """

    def __init__(self, engine: Engine, capacity: int) -> None: ...
    @property
    def length(self) -> int:
        """Number of tokens so far."""
    @property
    def capacity(self) -> int: ...
    @property
    def nbytes(self) -> int:
        """Bytes reserved; the system provides the memory when a token first needs it."""
    def truncate(self, length: int) -> None:
        """Forget all tokens except the first `length`."""

# -- sampling: from logits to tokens -------------------------------------------------------------

class Sampler:
    """Chooses tokens; the same seed gives the same tokens on every platform.

    The options are applied in the order repetition_penalty, temperature, top_k, top_p, min_p, each
    like the logits processor of that name in transformers. `temperature=0` chooses the first of the
    largest logits; `top_k=0` means no limit; `seed` is 0 to 2**64 - 1. Raises ValueError for
    invalid options.
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
        """The next token; `previous` (1-D) only affects the repetition penalty.

        Raises ValueError for NaN, infinity, and logits that are all minus infinity.
        """

def log_probabilities(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int32], threads: int = 0
) -> npt.NDArray[np.float64]:
    """The natural logarithm of softmax(logits)[target], for every row of `[n, vocabulary]`."""
