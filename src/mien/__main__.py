"""The command line: `mien`, and `python -m mien`."""


def main() -> None:
    """Run it; Ctrl-C ends it with a word also while it is being loaded."""
    try:
        from mien import cli  # here, as it takes a moment, in which Ctrl-C may come

        cli.main()
    except KeyboardInterrupt:
        from mien.errors import interrupted

        interrupted()


if __name__ == "__main__":
    main()
