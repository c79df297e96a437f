// AWS SDK for JavaScript v2, SES v1: its signature leaves the content type out.
import AWS from "aws-sdk";
import { run, v2Options } from "./job.mjs";

const ses = (job) => new AWS.SES(v2Options(job));

await run({
  identity: (job) => ses(job).verifyDomainDkim({ Domain: job.domain }).promise(),
  policy: (job) => ses(job)
    .putIdentityPolicy({ Identity: job.domain, PolicyName: "delegate", Policy: job.policy }).promise(),
  unpolicy: (job) => ses(job).deleteIdentityPolicy({ Identity: job.domain, PolicyName: "delegate" }).promise(),
  send: (job) => ses(job).sendEmail({
    Source: job.from, Destination: { ToAddresses: [job.to] },
    Message: { Subject: { Data: job.subject }, Body: { Text: { Data: job.text } } },
    ...(job.arn && { SourceArn: job.arn }),
  }).promise(),
});
