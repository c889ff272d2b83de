"""What the subcommands do, once their words are checked: one module each."""
