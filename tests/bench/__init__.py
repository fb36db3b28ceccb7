"""What `make bench` runs: what the double costs, beside its peers, its floor and its targets.

The machines that run this are shared and drift within seconds, so everything is measured in turns: each subject
a few calls, then the next one, many rounds long. Ratios are taken within a round, and medians over all rounds.
Client and server live in one process, as they do in a test. Nothing here is collected by pytest.
"""
