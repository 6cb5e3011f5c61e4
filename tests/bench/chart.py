"""Draws the main rows of the table as bars, in SVG."""
import os
from xml.sax.saxutils import escape

import lab

PANELS = (
    ('turns per message, 5 recipients', 'Waits for the server per message',
     '5 recipients; the floor is 0'),
    ('s for 100 messages, 50 ms round trip', 'Seconds for 100 messages',
     'round trip of 50 ms, one recipient'),
    ('instructions per 1 KB message', 'Instructions per message',
     '1 KB, one recipient, x86-64 -O2'),
    ('messages/s, loopback', 'Messages per second',
     'one connection to smtp-sink on loopback'),
)
WIDTH, ROW, LABEL, BAR, HEAD = 760, 20, 110, 540, 56
STYLE = ('text{font:13px sans-serif;fill:#24292f}.t{font-weight:bold}'
         '.s{fill:#57606a;font-size:12px}.o{fill:#a8b1bb}.h{fill:#0a5fb4}'
         '@media(prefers-color-scheme:dark){text{fill:#e6edf3}'
         '.s{fill:#9ea7b3}.o{fill:#59636e}.h{fill:#4c9df3}}')


def number(value):
    return '%.2f' % value if value < 100 else '{:,.0f}'.format(value)


def panel(title, note, values, top):
    most = max(values.values())
    out = ['<text class="t" x="0" y="%d">%s</text>' % (top + 18, title),
           '<text class="s" x="0" y="%d">%s</text>' % (top + 36, note)]
    for i, (client, value) in enumerate(values.items()):
        y = top + HEAD - 10 + i * ROW
        width = max(1, BAR * value / most)
        kind = 'h' if client.startswith('smtp.h') else 'o'
        out += ['<text x="0" y="%d">%s</text>' % (y + 13, escape(client)),
                '<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>'
                % (kind, LABEL, y + 2, width, ROW - 5),
                '<text x="%.1f" y="%d">%s</text>'
                % (LABEL + width + 6, y + 13, number(value))]
    return out, top + HEAD + ROW * len(values) + 10


def draw(results):
    body, top = [], 0
    for name, title, note in PANELS:
        for row, _, values in results.rows:
            if row == name:
                part, top = panel(title, note, values, top)
                body += part
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
            'viewBox="0 0 %d %d"><style>%s</style>\n%s\n</svg>\n'
            % (WIDTH, top, WIDTH, top, STYLE, '\n'.join(body)))


def save(results):
    with open(os.path.join(lab.HERE, 'chart.svg'), 'w') as f:
        f.write(draw(results))
