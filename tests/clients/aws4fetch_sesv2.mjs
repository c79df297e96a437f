// aws4fetch, as workers at the edge send by SES v2: its signature leaves the content type out.
import { AwsClient } from "aws4fetch";
import { run } from "./job.mjs";

await run({
  send: async (job) => {
    const aws = new AwsClient({
      accessKeyId: job.key, secretAccessKey: job.secret, region: job.region, service: "ses", retries: 0,
    });
    const answer = await aws.fetch(`${job.endpoint}/v2/email/outbound-emails`, {
      method: "POST", headers: { "content-type": "text/plain" },
      body: JSON.stringify({
        FromEmailAddress: job.from, Destination: { ToAddresses: [job.to] },
        Content: { Simple: { Subject: { Data: job.subject }, Body: { Text: { Data: job.text } } } },
        ...(job.arn && { FromEmailAddressIdentityArn: job.arn }),
      }),
    });
    const said = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(said.message), { Code: answer.headers.get("x-amzn-errortype") });
    return said;
  },
});
