// nodemailer, SES transport.
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import nodemailer from "nodemailer";
import { clientOptions, run } from "./job.mjs";

await run({
  send: (job) => nodemailer
    .createTransport({ SES: { sesClient: new SESv2Client(clientOptions(job)), SendEmailCommand } })
    .sendMail({
      from: job.from, to: job.to, subject: job.subject, text: job.text,
      ...(job.arn && { ses: { FromEmailAddressIdentityArn: job.arn } }),
    }),
});
