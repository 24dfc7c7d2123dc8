"""Say what pip-audit found: `audited.py LOCK REPORT`. Exit 1 if a package has a known vulnerability."""

import json
import sys
from pathlib import Path


def main(lock: str, report: str) -> int:
    """Print a line for the lock, and one for each vulnerability."""
    packages = json.loads(Path(report).read_text("utf-8"))["dependencies"]
    looked_up = [package for package in packages if "skip_reason" not in package]
    if not looked_up:
        reason = packages[0]["skip_reason"] if packages else "it is empty"
        print(f"not audited: the index has no advisories for `{lock}` ({reason})")
        return 0
    found = [(package, each) for package in looked_up for each in package["vulns"]]
    for package, each in found:
        fixed = f", fixed in {' or '.join(each['fix_versions'])}" if each["fix_versions"] else ""
        print(f"{lock}: {package['name']} {package['version']}: {each['id']}{fixed}")
    print(f"audited `{lock}`: {len(looked_up)} of {len(packages)} packages, {len(found)} known vulnerabilities")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
