// @aws-sdk/client-ses: SES v1.
import { DeleteIdentityPolicyCommand, PutIdentityPolicyCommand, SESClient, SendEmailCommand, VerifyDomainDkimCommand } from "@aws-sdk/client-ses";
import { clientOptions, run } from "./job.mjs";

const call = (command) => (job) => new SESClient(clientOptions(job)).send(command(job));

await run({
  identity: call((job) => new VerifyDomainDkimCommand({ Domain: job.domain })),
  policy: call((job) => new PutIdentityPolicyCommand({ Identity: job.domain, PolicyName: "delegate", Policy: job.policy })),
  unpolicy: call((job) => new DeleteIdentityPolicyCommand({ Identity: job.domain, PolicyName: "delegate" })),
  send: call((job) => new SendEmailCommand({
    Source: job.from,
    Destination: { ToAddresses: [job.to] },
    Message: { Subject: { Data: job.subject }, Body: { Text: { Data: job.text } } },
    ...(job.arn && { SourceArn: job.arn }),
  })),
});
