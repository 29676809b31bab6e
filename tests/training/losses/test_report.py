"""The report: faults mended, figures that mean what they say, floors that fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from training.losses import bench, faults, report  # noqa: E402
from training.losses.bench import Row  # noqa: E402


@pytest.fixture
def without_auraloss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "auraloss", None)


@pytest.fixture
def bench_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    if "slow" not in request.config.option.markexpr:
        pytest.skip("takes minutes: ask for it with -m slow")
    threads = torch.get_num_threads()
    torch.set_num_threads(bench.THREADS)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("without_auraloss")
def test_every_fault_is_mended_and_auraloss_is_not_needed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert report.main(["--json", str(tmp_path / "report.json")]) == 0
    shown = capsys.readouterr().out
    figures = json.loads((tmp_path / "report.json").read_text())
    assert {row["number"] for row in figures["faults"]} == set(range(1, 22))
    assert all(row["holds"] and row["peer"] is None for row in figures["faults"])
    assert "NOT MENDED" not in shown


@pytest.mark.usefixtures("without_auraloss")
def test_a_comparison_without_the_other_side_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--bench"]) == 2
    assert "auraloss is not installed" in capsys.readouterr().err


def test_a_fault_that_is_not_mended_fails_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = faults.Fault(7, "a loss that raises", lambda peer: 0.0, lambda: float("x"), "a number", lambda v: v == 1.0)
    monkeypatch.setattr(faults, "FAULTS", (broken,))
    (finding,) = faults.find(None)
    assert finding.ours == "ValueError"
    assert not finding.holds
    assert report.main([]) == 1


def test_a_missed_floor_fails_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(faults, "FAULTS", ())
    monkeypatch.setattr(bench, "peer", lambda: object())
    for value, code in ((1.7, 0), (1.5, 1)):
        monkeypatch.setattr(bench, "bench", lambda module, value=value: [Row("x", 3.0, 2.0, "ms", value, 1.6, 2.0)])
        assert report.main(["--bench"]) == code
    assert "below target" in capsys.readouterr().out


def test_less_memory_is_better() -> None:
    lean, fat = (Row("memory", 10.0, 1.0, "MB", value, 0.7, 0.5, True) for value in (0.6, 0.8))
    assert lean.meets_floor
    assert not lean.meets_target
    assert not fat.meets_floor


def test_saved_bytes_count_each_storage_once() -> None:
    class Squares(nn.Module):
        def forward(self, pred: Tensor, target: Tensor) -> Tensor:
            middle = pred * target  # keeps the target; nobody asks for its gradient
            return (middle[: len(middle) // 2] * middle[len(middle) // 2 :]).sum()  # two halves of one storage

    pred, target = torch.ones(1000, requires_grad=True), torch.ones(1000)
    assert bench.saved_bytes(Squares(), pred, target) == 2 * 4000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's own record of a process's size")
def test_a_process_tells_its_own_largest_size(capsys: pytest.CaptureFixture[str]) -> None:
    bench.print_peak(5, "ours")  # losses on samples: some signals of 2 MB
    assert 0.0 <= float(capsys.readouterr().out) < 200.0


def test_no_module_of_the_losses_needs_auraloss() -> None:
    for path in Path(bench.__file__).parent.glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.strip().startswith(("import auraloss", "from auraloss"))], path.name


@pytest.mark.slow
@pytest.mark.usefixtures("bench_threads")
@pytest.mark.parametrize("case", bench.CASES, ids=lambda case: case.name)
def test_speed_is_above_its_floor(case: bench.Case) -> None:
    auraloss = pytest.importorskip("auraloss")
    theirs, ours = bench.race(case, auraloss)
    assert theirs / ours >= case.floor, f"{theirs:.1f} ms against {ours:.1f} ms"


@pytest.mark.slow
@pytest.mark.usefixtures("bench_threads")
def test_memory_and_parity_are_within_their_floors() -> None:
    auraloss = pytest.importorskip("auraloss")
    rows = [*bench.memory_rows(auraloss), *bench.parity_rows(auraloss)]
    assert [row for row in rows if not row.meets_floor] == []
