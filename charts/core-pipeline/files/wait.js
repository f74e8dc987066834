// Waits until the external services of the ConfigMap take TCP connections, and fails at the bound with the ones missing.
// WAIT_FOR: "postgres", or empty for all. WAIT_TIMEOUT_SECONDS: the bound for all together.
'use strict';
const net = require('net');

const env = process.env;
const seconds = Number(env.WAIT_TIMEOUT_SECONDS || 120);
const deadline = Date.now() + seconds * 1000;

/** "host:port" in its parts; IPv6 as "[::1]:9092". */
function address(text, port) {
  const match = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d+))?$/.exec(text.trim());
  if (!match) throw new Error(`"${text}" is not host:port`);
  return { host: match[1] || match[2], port: Number(match[3] || port) };
}

/** The services by name; of several addresses one is enough. */
function services() {
  const all = {
    postgres: env.POSTGRES_HOST ? [address(env.POSTGRES_HOST, env.POSTGRES_PORT || 5432)] : [],
    redis: env.REDIS_HOST ? [address(env.REDIS_HOST, env.REDIS_PORT || 6379)] : [],
    kafka: (env.KAFKA_BROKERS || '').split(',').filter((b) => b.trim()).map((b) => address(b, 9092)),
  };
  const wanted = env.WAIT_FOR ? [env.WAIT_FOR] : Object.keys(all);
  return wanted.map((name) => ({ name, addresses: all[name] })).filter((s) => s.addresses.length > 0);
}

/** One attempt, for at most 3 seconds: null, or why it failed. */
function attempt({ host, port }) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const end = (reason) => { socket.destroy(); resolve(reason); };
    socket.setTimeout(Math.max(1, Math.min(3000, deadline - Date.now())), () => end('no answer'));
    socket.once('connect', () => end(null));
    socket.once('error', (error) => end(error.code || error.message));
  });
}

async function wait({ name, addresses }) {
  let reasons = [];
  for (;;) {
    reasons = [];
    for (const a of addresses) {
      const reason = await attempt(a);
      if (reason === null) {
        console.log(`${name}: ${a.host}:${a.port} takes connections`);
        return null;
      }
      reasons.push(`${a.host}:${a.port} (${reason})`);
    }
    if (Date.now() >= deadline) return `${name}: ${reasons.join(', ')}`;
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000, Math.max(1, deadline - Date.now()))));
  }
}

async function main() {
  const missing = (await Promise.all(services().map(wait))).filter(Boolean);
  if (missing.length > 0) {
    console.error(`Not reachable within ${seconds} s:\n  ${missing.join('\n  ')}`);
    console.error('Check env.POSTGRES_HOST, env.REDIS_HOST and env.KAFKA_BROKERS, the services themselves, and network policies.');
    process.exit(1);
  }
}

main().catch((error) => { console.error(error.message); process.exit(1); });
