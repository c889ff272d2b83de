"""What an installed package needs besides its modules: recipes, a page, the mark of its types."""

import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq import inputs
from seq2seq.cli import main

ROOT = Path(__file__).parent.parent

FILES = """if True:
    from setuptools.dist import Distribution

    package = Distribution({"script_name": "setup.py"})
    package.parse_config_files()
    package.include_package_data = False
    build = package.get_command_obj("build_py")
    build.ensure_finalized()
    print("\\n".join(build.get_outputs()))
"""


def test_the_wheel_holds_the_recipes_and_other_data() -> None:
    words = [sys.executable, "-c", FILES]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    packaged = {line.partition("/lib/")[2] for line in found.stdout.splitlines()}
    recipes = {f"seq2seq/{path.relative_to(ROOT)}" for path in ROOT.glob("configs/**/*.yaml")}
    assert len(recipes) > 20
    assert packaged >= recipes | {"seq2seq/py.typed", "seq2seq/pictures/page.html"}
    assert "seq2seq/cli.py" in packaged


def test_recipes_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = inputs.recipe(ROOT / "configs" / "demo.yaml", [])
    monkeypatch.chdir(tmp_path)
    assert inputs.recipe(Path("configs/demo.yaml"), []) == wanted
    assert not inputs.shipped(Path("configs/none.yaml")).is_absolute()
    assert not inputs.shipped(Path("inputs.py")).is_absolute()


def test_a_recipe_of_the_users_own_goes_before_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "demo.yaml").write_text("model: {width: 48, heads: 2}")
    assert inputs.recipe(Path("configs/demo.yaml"), []).model.width == 48


def test_the_rows_of_table_3_are_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    data = "configs/multi30k.yaml"
    with pytest.raises(SystemExit):
        main(["reproduce", "table3", "--data", data, "--rows", "bsae"])
    assert "found 'bsae' (did you mean 'base'?)" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["demo", "--training.steps=0"])
    assert "--training.steps: expected at least 1, found 0" in capsys.readouterr().err
