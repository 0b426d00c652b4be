// What the job scripts in JavaScript share: running a job, and asking the org by plain HTTP how it turned out.
import assert from "node:assert/strict";

export const org = {
  url: process.env.ORG_URL,
  id: process.env.ORG_ORG_ID,
  username: process.env.ORG_USERNAME,
  password: process.env.ORG_PASSWORD,
  token: process.env.ORG_ACCESS_TOKEN,
  clientId: process.env.ORG_CLIENT_ID,
  clientSecret: process.env.ORG_CLIENT_SECRET,
  folder: process.env.ORG_FOLDER,
};
export const equal = assert.deepEqual;
export const ok = assert.ok;
export const refused = assert.rejects;
const wanted = process.env.ONLY_JOB;

// One JSON line; a failed job does not stop the ones after it.
export async function job(name, run) {
  if (wanted && !name.includes(wanted)) return;
  let told = { job: name, ok: true, why: "" };
  try {
    await run();
  } catch (error) {
    const why = `${error.errorCode ?? error.name ?? ""}: ${error.message ?? error}`;
    told = { job: name, ok: false, why: why.replace(/\s+/g, " ").slice(0, 600) };
    if (wanted) console.error(error);
  }
  console.log(JSON.stringify(told));
}

// The rows of a query, without `attributes`: asked by nobody's client.
export async function rows(soql, tooling = false) {
  const path = tooling ? "tooling/query" : "query";
  const reply = await fetch(`${org.url}/services/data/v66.0/${path}?q=${encodeURIComponent(soql)}`, {
    headers: { Authorization: `Bearer ${org.token}` },
  });
  const body = await reply.json();
  if (!reply.ok) throw new Error(`the witness was refused: ${JSON.stringify(body)}`);
  return body.records.map(({ attributes, ...row }) => row);
}

export async function count(from) {
  return (await rows(`SELECT COUNT(Id) n FROM ${from}`))[0].n;
}
