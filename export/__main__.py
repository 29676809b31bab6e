"""`python -m export ROOM`: a checkpoint becomes a verified ONNX file and a card in its room."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

from export.card import Training, read_card, training_on_card, write_card
from export.onnx_file import rounded, write_room_file
from export.parity import check_parity, parity
from export.rooms import ROOMS, Room
from training.loop import CheckpointError, checkpoint, checkpoint_weights, run_folder
from training.rooms import load_room_weights, room_folder


def export_room(room: Room, run: Path | None, folder: Path) -> float:
    """Fill a folder with weights and card; without a checkpoint, renew the card of the weights that are there.

    Returns the largest difference between ONNX and torch.
    """
    model, path = room.build().eval(), folder / "weights.onnx"
    if run is None:
        model.load_state_dict(load_room_weights(room.name))
        training = training_on_card(folder / "card.toml", path)
    else:
        training = training_of(run)
        model.load_state_dict(rounded(checkpoint_weights(run)))
        write_room_file(model, room.example(), (room.given.name, room.answer.name), room.free_axis, path)
    differences = parity(room, model, path)
    worst = check_parity(differences)
    write_card(room, model, path, differences, training)
    return worst


def training_of(path: Path) -> Training:
    """What the run behind a checkpoint was.

    Raises
    ------
    CheckpointError
        If the checkpoint doesn't say what it was trained on.
    """
    content = checkpoint(path)
    minutes, steps = content["seconds"] / 60.0, content["step"]
    machines = ", then ".join(json.loads(content["machines"]))
    how = f"{steps} steps in {minutes:.0f} minutes on {machines}, {date.today().isoformat()}"
    return Training(content["licences"], how)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument("room", choices=tuple(ROOMS))
    parser.add_argument("--checkpoint", type=Path, help="default: runs/ROOM/checkpoint.pt")
    parser.add_argument("--card-only", action="store_true", help="keep the weights, measure parity and write the card")
    arguments = parser.parse_args()
    run = arguments.checkpoint or run_folder(arguments.room, "clean") / "checkpoint.pt"
    folder = room_folder(arguments.room)
    try:
        worst = export_room(ROOMS[arguments.room], None if arguments.card_only else run, folder)
    except CheckpointError as error:
        parser.exit(1, f"{error}\n")
    missing = read_card(folder / "card.toml")["figures"].get("missing")
    if missing:
        print(f"the card carries no figures: {missing}, then python -m export {arguments.room} --card-only")
    size = (folder / "weights.onnx").stat().st_size / 1e6
    print(f"{folder}: {size:.2f} MB, ONNX and torch differ by {worst:.1e} at most")


if __name__ == "__main__":
    main()
