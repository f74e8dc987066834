// Calls the application's paths until all have answered with success often enough in a row; fails at the bound and says
// what the last answer was. PROBE_URL: the base. PROBE_PATHS: separated by commas. PROBE_CONSECUTIVE: how often in a row.
// PROBE_EXPECT: a text that the last path's answer must hold. PROBE_TIMEOUT_SECONDS: the bound.
'use strict';
const http = require('http');

const env = process.env;
const seconds = Number(env.PROBE_TIMEOUT_SECONDS || 60);
const deadline = Date.now() + seconds * 1000;
const wanted = Number(env.PROBE_CONSECUTIVE || 1);
const paths = (env.PROBE_PATHS || '/health,/ok').split(',');

/** One request, for at most 5 seconds: its status and body, or an error. */
function get(path) {
  return new Promise((resolve, reject) => {
    const request = http.get(new URL(path, env.PROBE_URL), (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part) => { if (body.length < 4e6) body += part; });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, body }));
    });
    const timer = setTimeout(() => request.destroy(new Error('no answer')), Math.max(1, Math.min(5000, deadline - Date.now())));
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
  });
}

/** Null, or what was wrong in this round. */
async function round() {
  for (const path of paths) {
    try {
      const { status, body } = await get(path);
      if (status < 200 || status > 299) return `${path} answered ${status}: ${body.slice(0, 200).trim()}`;
      if (env.PROBE_EXPECT && path === paths[paths.length - 1] && !body.includes(env.PROBE_EXPECT)) {
        return `${path} answered ${status} without "${env.PROBE_EXPECT}"`;
      }
    } catch (error) {
      return `${path}: ${error.code || error.message}`;
    }
  }
  return null;
}

async function main() {
  let good = 0;
  let last = 'no attempt was made';
  while (Date.now() < deadline) {
    const wrong = await round();
    if (wrong === null) {
      good += 1;
      if (good >= wanted) {
        console.log(`${env.PROBE_URL}: ${paths.join(', ')} answered ${wanted} time(s) in a row`);
        return;
      }
    } else {
      good = 0;
      if (wrong !== last) console.log(wrong);
      last = wrong;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(1000, Math.max(1, deadline - Date.now()))));
  }
  console.error(`${env.PROBE_URL}: not ${wanted} good answer(s) in a row within ${seconds} s. Last: ${good > 0 ? `${good} good so far` : last}`);
  process.exit(1);
}

main().catch((error) => { console.error(error.message); process.exit(1); });
