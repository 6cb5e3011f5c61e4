// The bench's driver for nodemailer: a pool of one connection that takes all
// messages. The package is found through NODE_PATH.
'use strict';
const nodemailer = require('nodemailer');
const fs = require('fs');

const [port, messages, recipients, size] = process.argv.slice(2, 6).map(Number);
const caFile = process.argv[7];
const letters = 'abcdefghijklmnopqrstuvwxyz';
const line = letters.repeat(3).slice(0, 72) + '\r\n';
const head = 'From: <bench@example.org>\r\nSubject: bench\r\n\r\n';
const whole = head + line.repeat(Math.floor(size / 74) + 1);
const raw = whole.slice(0, size - 2) + '\r\n';
const to = Array.from({length: recipients},
    (_, i) => 'box' + String(i).padStart(3, '0') + '@example.net');
const began = process.hrtime.bigint();
const transport = nodemailer.createTransport({
    host: 'localhost', port, secure: false, pool: true,
    maxConnections: 1, maxMessages: Infinity,
    ignoreTLS: !caFile, requireTLS: Boolean(caFile),
    tls: caFile ? {ca: fs.readFileSync(caFile)} : {},
});
const envelope = {from: 'bench@example.org', to};
const all = Array.from({length: messages},
    () => transport.sendMail({envelope, raw}));
Promise.allSettled(all).then(results => {
    const delivered = results.filter(r => r.status === 'fulfilled').length;
    const failed = results.find(r => r.status === 'rejected');
    const seconds = Number(process.hrtime.bigint() - began) / 1e9;
    if (failed)
        console.error('drive_nodemailer:', failed.reason.message);
    console.log(`seconds ${seconds.toFixed(6)} delivered ${delivered}`);
    transport.close();
    process.exitCode = delivered === messages ? 0 : 1;
});
