"""What stands beside the canvas: tracks, history, meters, measurements, file facts, jobs."""
