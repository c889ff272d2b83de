"""Prints, under the results, how far the other implementations are from ours."""


def pytest_terminal_summary(terminalreporter):
    largest = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                largest[name] = max(value, largest.get(name, 0.0))
    if largest:
        terminalreporter.section("largest differences")
        for name, value in sorted(largest.items()):
            terminalreporter.write_line(f"{name:40} {value:.1e}")
