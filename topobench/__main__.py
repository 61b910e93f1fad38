"""`python -m topobench` is the command `topobench`."""

from topobench.cli.main import main

if __name__ == "__main__":
    main()
