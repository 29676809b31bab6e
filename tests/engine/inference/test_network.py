"""A network runs, can be cancelled and used again, and gives way to the CPU where a GPU isn't to be trusted."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine.errors import Cancelled, NetworkError
from engine.inference import network as network_module
from engine.inference.card import load_card, weights_path
from engine.inference.network import Network, active_provider, available_providers, network, notes
from engine.settings import Settings
from engine.tools.tool import Job

CUDA = "CUDAExecutionProvider"
ONES = np.ones((1, 8), dtype=np.float32)


def test_a_network_computes(make_room: Any) -> None:
    doubling = Network("doubling", Settings(threads=1), folder=make_room())
    assert np.array_equal(doubling.run({"given": ONES}, Job())["doubled"], 2 * ONES)
    assert doubling.inputs == {"given": (1, 8)}
    assert doubling.outputs == ("doubled",)


def test_a_wrong_hash_stops_it_before_anything_is_loaded(make_room: Any) -> None:
    with pytest.raises(NetworkError, match="doubling"):
        Network("doubling", Settings(threads=1), folder=make_room(sha256="0" * 64))


def test_what_is_no_network_is_said(make_room: Any) -> None:
    folder = make_room()
    path = weights_path(load_card("doubling", folder))
    path.write_bytes(b"nonsense")
    import hashlib

    sha = hashlib.sha256(b"nonsense").hexdigest()
    (path.parent / "card.toml").write_text(f'task = "t"\nfile = "weights.onnx"\nsha256 = "{sha}"\n')
    with pytest.raises(NetworkError, match="can't be loaded"):
        Network("doubling", Settings(threads=1), folder=folder)


@pytest.mark.parametrize("inputs", [{}, {"other": ONES}, {"given": ONES[:, :7]}, {"given": ONES[0]}])
def test_other_shapes_and_names_are_refused(make_room: Any, inputs: dict[str, Any]) -> None:
    doubling = Network("doubling", Settings(threads=1), folder=make_room())
    with pytest.raises(ValueError):
        doubling.run(inputs)


def test_a_dimension_with_a_name_takes_any_length(make_room: Any) -> None:
    doubling = Network("doubling", Settings(threads=1), folder=make_room(frames="frames"))
    for frames in (1, 5):
        assert doubling.run({"given": np.ones((1, frames), np.float32)})["doubled"].shape == (1, frames)


def test_what_the_runtime_refuses_is_said_in_a_sentence(make_room: Any) -> None:
    doubling = Network("doubling", Settings(threads=1), folder=make_room())
    with pytest.raises(NetworkError, match="'doubling' didn't run"):
        doubling.run({"given": ONES.astype(np.float64)})


def test_a_cancelled_job_runs_nothing(make_room: Any) -> None:
    doubling = Network("doubling", Settings(threads=1), folder=make_room())
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        doubling.run({"given": ONES}, job)


def test_a_running_network_can_be_cancelled_and_used_again(make_room: Any) -> None:
    """Fifteen hundred products of 700 x 700 take half a minute; cancelled, the run ends by itself."""
    slow = Network("doubling", Settings(threads=1), folder=make_room(slow=1_500))
    job = Job()
    started = threading.Event()
    forget_seen: list[object] = []
    listen = job.when_cancelled

    def when_cancelled(stop: Any) -> Any:
        started.set()
        forget = listen(stop)
        forget_seen.append(forget)
        return forget

    job.when_cancelled = when_cancelled  # type: ignore[method-assign]

    def cancel_while_it_runs() -> None:
        started.wait(10)
        threading.Event().wait(0.2)  # well inside of the run
        job.cancel()

    other = threading.Thread(target=cancel_while_it_runs)
    other.start()
    with pytest.raises(Cancelled):
        slow.run({"given": ONES}, job)
    other.join()
    assert len(forget_seen) == 1
    fresh = Job()
    stop = threading.Timer(0.2, fresh.cancel)
    stop.start()
    with pytest.raises(Cancelled):  # usable: it runs again, and hears the next cancel too
        slow.run({"given": ONES}, fresh)
    stop.join()


def test_two_networks_are_loaded_at_most(make_room: Any) -> None:
    for name in ("one", "two", "three"):
        folder = make_room(name)
    settings = Settings(threads=1)
    first = weakref.ref(network("one", settings, folder=folder))
    two = network("two", settings, folder=folder)
    assert network("two", settings, folder=folder) is two
    network("three", settings, folder=folder)
    gc.collect()
    assert first() is None
    assert network("two", settings, folder=folder) is two


def test_the_session_has_our_threads_and_no_spinning(make_room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    real = onnxruntime.InferenceSession

    def spy(path: str, options: Any, providers: list[str]) -> Any:
        seen.append((options, providers))
        return real(path, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    Network("doubling", Settings(threads=3), folder=make_room())
    options, providers = seen[0]
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert providers == ["CPUExecutionProvider"]


@pytest.mark.parametrize(("said", "level"), [("", "DISABLE"), ("none", "DISABLE"), ("all", "ENABLE"), (1, "DISABLE")])
def test_a_network_is_optimised_where_its_card_says_so(
    make_room: Any, monkeypatch: pytest.MonkeyPatch, said: Any, level: str
) -> None:
    seen: list[Any] = []
    real = onnxruntime.InferenceSession

    def spy(path: str, options: Any, providers: list[str]) -> Any:
        seen.append(options.graph_optimization_level)
        return real(path, options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    folder = make_room()
    card = folder / "doubling" / "card.toml"
    entry = '[files."weights.onnx"]\n'
    if said:
        card.write_text(card.read_text().replace(entry, f"{entry}optimise = {json.dumps(said)}\n"))
    doubling = Network("doubling", Settings(threads=1), folder=folder)
    assert [str(each.name) for each in seen] == [f"ORT_{level}_ALL"]
    assert np.array_equal(doubling.run({"given": ONES})["doubled"], 2 * ONES)


def test_azure_is_never_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["AzureExecutionProvider", "CPUExecutionProvider", "DmlExecutionProvider", CUDA],
    )
    assert available_providers() == (CUDA, "DmlExecutionProvider", "CPUExecutionProvider")


class FakeGpu:
    """A GPU session that answers with its own factor, or not at all."""

    def __init__(self, cpu: Any, factor: float | None) -> None:
        self._cpu, self._factor = cpu, factor

    def get_providers(self) -> list[str]:
        return [CUDA]

    def get_inputs(self) -> Any:
        return self._cpu.get_inputs()

    def get_outputs(self) -> Any:
        return self._cpu.get_outputs()

    def run(self, names: Any, inputs: Any, options: Any) -> Any:
        if self._factor is None:
            raise RuntimeError("out of memory on the GPU")
        return [self._factor * result for result in self._cpu.run(names, inputs, options)]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that plugs in a made-up GPU."""
    real = onnxruntime.InferenceSession

    def plug_in(factor: float | None, opens: bool = True) -> Settings:
        def open_session(path: str, options: Any, providers: list[str]) -> Any:
            if CUDA in providers and not opens:
                raise RuntimeError("no driver")
            cpu = real(path, options, providers=["CPUExecutionProvider"])
            return FakeGpu(cpu, factor) if CUDA in providers else cpu

        monkeypatch.setattr(onnxruntime, "InferenceSession", open_session)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
        return Settings(threads=1, providers=(CUDA, "CPUExecutionProvider"))

    return plug_in


@pytest.mark.parametrize(
    ("factor", "opens", "said"),
    [(None, True, "failed"), (1.01, True, "something else"), (1.0, False, "didn't start")],
)
def test_a_gpu_that_cannot_be_trusted_gives_way_to_the_cpu(
    make_room: Any, gpu: Any, factor: float | None, opens: bool, said: str
) -> None:
    settings = gpu(factor, opens)
    doubling = Network("doubling", settings, folder=make_room())
    assert np.array_equal(doubling.run({"given": ONES})["doubled"], 2 * ONES)
    assert doubling.provider == "CPUExecutionProvider"
    assert active_provider(settings) == "CPUExecutionProvider"
    assert len(notes()) == 1
    assert said in notes()[0]
    assert "continued on the CPU at" in notes()[0]


def test_a_gpu_that_agrees_with_the_cpu_is_used(make_room: Any, gpu: Any) -> None:
    settings = gpu(1.0001)
    doubling = Network("doubling", settings, folder=make_room())
    for _ in range(2):
        assert doubling.run({"given": ONES})["doubled"][0, 0] == pytest.approx(2.0002, abs=1e-6)
    assert active_provider(settings) == CUDA
    assert not notes()


def test_the_cpu_needs_no_runtime_to_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    def must_not(*args: Any) -> Any:
        raise AssertionError("ONNX Runtime was asked")

    monkeypatch.setattr(network_module, "available_providers", must_not)
    assert active_provider(Settings(threads=1)) == "CPUExecutionProvider"
