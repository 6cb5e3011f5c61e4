"""The bench's results: rows by client, budgets, one Markdown table."""
import os

import lab


class Results:
    def __init__(self):
        self.rows = []             # (name, form, {client: value})
        self.checks = []           # (what, text, held)
        self.broken = False

    def row(self, name, values, form='%.0f'):
        self.rows.append((name, form, values))
        lab.say('%-44s %s' % (name, '  '.join(
            '%s %s' % (c, form % v) for c, v in values.items())))

    def value(self, name, client):
        for row, _, values in self.rows:
            if row == name:
                return values.get(client)
        return None

    def at_most(self, what, value, budget, form='%.2f'):
        self.compare(what, value, budget, form, value <= budget, 'at most')

    def at_least(self, what, value, budget, form='%.2f', why=''):
        self.compare(what, value, budget, form, value >= budget, 'at least',
                     why)

    def compare(self, what, value, budget, form, held, word, why=''):
        """`why` tells what limits a value that misses its budget."""
        text = (form + ', budget %s ' + form) % (value, word, budget)
        if not held and budget:
            text += ': missed by %.0f %%' % (100 * abs(value / budget - 1))
            text += '; ' + why if why else ''
        self.checks.append((what, text, held))

    def true(self, what, held, detail=''):
        self.checks.append((what, detail or ('yes' if held else 'no'), held))

    def miss(self, what, why):
        self.broken = True
        self.checks.append((what, why, False))

    def cell(self, form, value):
        return '-' if value is None else form % value

    def markdown(self):
        clients = [c for c in lab.CLIENTS
                   if any(c in values for _, _, values in self.rows)]
        lines = []
        if clients:
            lines += ['| | ' + ' | '.join(clients) + ' |',
                      '| --- |' + ' ---: |' * len(clients)]
        for name, form, values in self.rows:
            cells = [self.cell(form, values.get(c)) for c in clients]
            lines.append('| %s | %s |' % (name, ' | '.join(cells)))
        lines += ['', '| budget | measured | |', '| --- | --- | --- |']
        for what, text, held in self.checks:
            lines.append('| %s | %s | %s |'
                         % (what, text, 'held' if held else '**missed**'))
        return '\n'.join(lines) + '\n'

    def verdict(self):
        missed = [c for c in self.checks if not c[2]]
        for what, text, _ in missed:
            print('MISSED %s: %s' % (what, text))
        print('%d passed, %d failed'
              % (len(self.checks) - len(missed), len(missed)))
        return 1 if missed or not self.checks else 0


BEGIN, END = '<!-- written by make bench -->\n', '<!-- to here -->\n'


def save(text):
    """Into table.md, and the clients' table into the README."""
    with open(os.path.join(lab.HERE, 'table.md'), 'w') as f:
        f.write(text)
    path = os.path.join(lab.ROOT, 'README.md')
    with open(path) as f:
        before, begin, rest = f.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise lab.Trouble('README.md has no place for the table')
    with open(path, 'w') as f:
        f.write(before + BEGIN + text.partition('\n\n')[0] + '\n' + END + after)
