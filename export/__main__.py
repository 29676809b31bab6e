"""`python -m export ROOM`: a checkpoint becomes a verified ONNX file and a card in its room."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

import torch

from export.card import write_card
from export.onnx_file import rounded, write_room_file
from export.parity import check_parity, parity
from export.rooms import ROOMS, Room
from training.data import runs_folder
from training.loop import checkpoint_weights
from training.rooms import load_room_weights, room_folder


def export_room(room: Room, checkpoint: Path | None, folder: Path) -> float:
    """Fill a folder with weights and card; without a checkpoint, renew the card of the weights that are there.

    Returns the largest difference between ONNX and torch.
    """
    model, path = room.build().eval(), folder / "weights.onnx"
    if checkpoint is None:
        model.load_state_dict(load_room_weights(room.name))
        trained = "from the weights in this room"
    else:
        model.load_state_dict(rounded(checkpoint_weights(checkpoint)))
        trained = trained_how(checkpoint)
        write_room_file(model, room.example(), (room.given.name, room.answer.name), room.free_axis, path)
    differences = parity(room, model, path)
    worst = check_parity(differences)
    write_card(room, model, path, differences, trained)
    return worst


def trained_how(checkpoint: Path) -> str:
    """One line on the run behind a checkpoint."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    minutes, steps = content["seconds"] / 60.0, content["step"]
    return f"{steps} steps in {minutes:.0f} minutes on two CPU cores, {date.today().isoformat()}"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m export", description=__doc__)
    parser.add_argument("room", choices=tuple(ROOMS))
    parser.add_argument("--checkpoint", type=Path, help="default: runs/ROOM/checkpoint.pt")
    parser.add_argument("--card-only", action="store_true", help="keep the weights, measure parity and write the card")
    arguments = parser.parse_args()
    checkpoint = arguments.checkpoint or runs_folder() / arguments.room / "checkpoint.pt"
    folder = room_folder(arguments.room)
    worst = export_room(ROOMS[arguments.room], None if arguments.card_only else checkpoint, folder)
    size = (folder / "weights.onnx").stat().st_size / 1e6
    print(f"{folder}: {size:.2f} MB, ONNX and torch differ by {worst:.1e} at most")


if __name__ == "__main__":
    main()
