"""One network out of a model file, run by LiteRT on one thread: arrays in, arrays out.

Processes share the machine's cores, not threads: of two processes with one thread each, both read twice as much as one
process with two.
"""

import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from cues.vision.models import model_path


class Network:
    """`member` of the model file `bundle`, whose input is what is given times `scale` plus `offset`.

    `outputs`: numbers of those that are wanted, counted as the file names them.
    """

    def __init__(
        self, bundle: str, member: str, outputs: tuple[int, ...], scale: float = 1.0, offset: float = 0.0
    ) -> None:
        with zipfile.ZipFile(model_path(bundle)) as models, _quiet():
            self._interpreter = Interpreter(model_content=models.read(member), num_threads=1)
            self._interpreter.allocate_tensors()
        (given,), told = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._given, self._told = given["index"], [told[number]["index"] for number in outputs]
        self._scale, self._offset = np.float32(scale), np.float32(offset)
        self.shape: tuple[int, ...] = tuple(int(n) for n in given["shape"][1:])

    def run(self, given: np.ndarray) -> list[np.ndarray]:
        """The wanted outputs, float32, without dimensions of one, for an input of `shape`."""
        inside = self._interpreter.tensor(self._given)()[0]
        np.multiply(given, self._scale, out=inside, casting="unsafe")
        if self._offset:
            inside += self._offset
        del inside  # the runtime refuses to run while anybody looks into its memory
        self._interpreter.invoke()
        return [np.squeeze(self._interpreter.get_tensor(index)) for index in self._told]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what the runtime writes to stderr while it starts out of the way of the progress bar."""
    sys.stderr.flush()
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
