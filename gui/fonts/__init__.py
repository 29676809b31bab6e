"""The two type families that ship with the program (Inter and JetBrains Mono, both SIL Open Font License 1.1)."""
