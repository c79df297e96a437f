// Amazon's own validator of SNS messages for Node: what it says of each POST.
import { readFileSync } from "node:fs";
import https from "node:https";
import MessageValidator from "sns-validator";
import { run } from "./job.mjs";

await run({
  receive: async (job) => {
    https.globalAgent.options.ca = readFileSync(job.ca);
    const validator = new MessageValidator(new RegExp(`^${job.host.replaceAll(".", "\\.")}$`));
    const verdicts = [];
    for (const post of job.posts) {
      verdicts.push(
        await new Promise((done) => validator.validate(post.body, (error) => done(error ? error.message : "valid"))),
      );
    }
    return { verdicts };
  },
});
