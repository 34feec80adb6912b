"""The table that compare.py prints, out of single runs: medians, ratios, Markdown.

A run is a dictionary with row, dtype, peer and either "figures", what the program printed, or why
there are none: "failed", "refused" where the program does not have the dtype, or "absent" where it is not there."""
import statistics

from rows import NO_DTYPE

NOTHING = "–"
TIMES = ("s", "ms")  # units of which less is better; all others are rates


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def ratio(value, by):
    return value / by if value is not None and by else None


def speed_ratio(unit, ours, theirs):
    """How many times as fast ours is."""
    return ratio(theirs, ours) if unit in TIMES else ratio(ours, theirs)


def chosen_dtypes(row, dtypes):
    return [dtype for dtype in row.dtypes if dtype in dtypes or dtype == NO_DTYPE]


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def summarize(row, dtype, runs):
    """Of everyone who ran: the medians over the rounds of what is compared ("value") and of peak
    memory ("peak"), or what went wrong in any of them."""
    result = {}
    for peer, (figure, _) in row.commands.items():
        own = [run for run in runs if (run["row"], run["dtype"], run["peer"]) == (row.name, dtype, peer)]
        wrong = [run for run in own if "figures" not in run]
        if wrong:
            result[peer] = {kind: wrong[0][kind] for kind in ("failed", "refused", "absent") if kind in wrong[0]}
        elif own:
            result[peer] = {key: median([run["figures"].get(name) for run in own])
                            for key, name in (("value", figure), ("peak", "peak_gb"))}
    return result


def render_table(rows, dtypes, runs):
    """Markdown, with a footnote for every reason why a figure is missing."""
    lines = ["| work | dtype | ours | share of the floor | x torch | x TRL "
             "| peak memory vs torch | vs TRL |",
             "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    footnotes = []

    def add_line(row, dtype, summary):
        def figure(peer, key="value"):
            return summary.get(peer, {}).get(key)

        def cell(peer, value, form):
            for kind, text in (("failed", "failed"), ("refused", f"not in {dtype}"),
                               ("absent", "not built")):
                if figure(peer, kind):
                    footnotes.append(f"{row.name}, {dtype}, {peer}: {figure(peer, kind)}")
                    return f"{text}[^{len(footnotes)}]"
            return NOTHING if value is None else form(value)

        def speed(peer, form="{:.2f}"):
            return cell(peer, speed_ratio(row.unit, figure("ours"), figure(peer)), form.format)

        def memory(peer):
            share = ratio(figure("ours", "peak"), figure(peer, "peak"))
            return NOTHING if share is None else f"{share:.0%}"

        cells = [row.work, dtype, cell("ours", figure("ours"), lambda value: f"{number(value)} {row.unit}"),
                 speed("floor", "{:.0%}"), speed("torch"), speed("trl"), memory("torch"), memory("trl")]
        lines.append(f"| {' | '.join(cells)} |")

    for row in rows:
        if row.skipped:
            lines.append(f"| {row.work} | {NOTHING} | skipped: {row.skipped} |" + f" {NOTHING} |" * 5)
            continue
        for dtype in chosen_dtypes(row, dtypes):
            add_line(row, dtype, summarize(row, dtype, runs))
    if footnotes:
        lines += [""] + [f"[^{i}]: {reason}" for i, reason in enumerate(footnotes, 1)]
    return "\n".join(lines) + "\n"
