"""Evaluation of the bot: question sets, metrics, runner, gate, report. `python -m eval --help`.

cases ← judge ← metrics ← run ← gate, report, propose, history ← nightly, __main__       (eval imports bot, never the reverse)
"""
