// Reads the job, runs what it names, writes how it ended.
import { readFileSync } from "node:fs";

export async function run(actions) {
  const job = JSON.parse(readFileSync(0, "utf8"));
  let result;
  try {
    result = { ok: (await actions[job.do](job)) ?? {} };
  } catch (error) {
    result = { error: { code: String(error.responseCode ?? error.Code ?? error.code ?? error.name), message: error.response ?? error.message } };
  }
  process.stdout.write(JSON.stringify(result) + "\n", () => process.exit(0));
}

export function clientOptions(job) {
  return {
    endpoint: job.endpoint,
    region: job.region,
    credentials: { accessKeyId: job.key, secretAccessKey: job.secret },
    maxAttempts: 1,
  };
}

export function v2Options(job) {
  return {
    endpoint: job.endpoint,
    region: job.region,
    credentials: { accessKeyId: job.key, secretAccessKey: job.secret },
    maxRetries: 0,
  };
}
