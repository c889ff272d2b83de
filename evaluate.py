"""The same as `seq2seq evaluate`."""

import sys

from seq2seq.cli import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
