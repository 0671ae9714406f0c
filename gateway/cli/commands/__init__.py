"""The commands for typer: one file per noun. Functions hold no help; `build` puts in that of the catalogue, by name."""
