// @aws-sdk/client-sesv2: SES v2.
import { CreateEmailIdentityCommand, CreateEmailIdentityPolicyCommand, DeleteEmailIdentityPolicyCommand, SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { clientOptions, run } from "./job.mjs";

const call = (command) => (job) => new SESv2Client(clientOptions(job)).send(command(job));

await run({
  identity: call((job) => new CreateEmailIdentityCommand({ EmailIdentity: job.domain })),
  policy: call((job) => new CreateEmailIdentityPolicyCommand({ EmailIdentity: job.domain, PolicyName: "delegate", Policy: job.policy })),
  unpolicy: call((job) => new DeleteEmailIdentityPolicyCommand({ EmailIdentity: job.domain, PolicyName: "delegate" })),
  send: call((job) => new SendEmailCommand({
    FromEmailAddress: job.from,
    Destination: { ToAddresses: [job.to] },
    Content: { Simple: { Subject: { Data: job.subject }, Body: { Text: { Data: job.text } } } },
    ...(job.arn && { FromEmailAddressIdentityArn: job.arn }),
  })),
});
