"""Check, test and back-test rule files: those that Prometheus reads, without a server.

The files are described in razorprof-rules(5).
"""

from __future__ import annotations

COMMANDS = ("check", "test", "backtest")

EPILOG = """\
\b
Examples:
  razorprof rules check rules/*.yml
  razorprof rules check rules.yml --target-version 2.45
  razorprof rules test tests/*.yml
  razorprof rules backtest rules.yml incident.rzp --expect 'Leak firing within +60s..+5m'
"""
