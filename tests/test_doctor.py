import sys

from ray_app import doctor


def test_examine_here_finds_what_the_tests_need_and_names_remedies(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMRAY_CACHE", str(tmp_path / "cache"))
    findings = {finding.what: finding for finding in doctor.examine(tmp_path / "not" / "yet")}
    assert findings["Python"].found.startswith(sys.version.split()[0])
    assert {findings[name].state for name in ("Python", "ray", "torch", "transformers")} == {"works"}
    assert findings["models"].state == "missing"
    assert str(tmp_path / "cache") in findings["models"].found
    assert all(finding.remedy for finding in findings.values() if finding.state != "works")


def test_examine_models_in_the_cache_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMRAY_CACHE", str(tmp_path))
    kept = tmp_path / "models" / "some-model" / "0123"
    kept.mkdir(parents=True)
    (kept / "config.json").write_text("{}")
    assert any(f.what == "models" and "some-model" in f.found for f in doctor.examine(tmp_path))


def test_report_too_little_memory_is_broken_with_the_verdict(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "DEMO_MEMORY", 1 << 60)
    text, healthy = doctor.report(tmp_path)
    assert not healthy
    assert text.splitlines()[-1] == "The main job cannot run before this is mended: memory."
    assert "close other programs" in text
