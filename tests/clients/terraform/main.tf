# What an owner keeps in Terraform: identities, who may send as them, and a user whose key makes an SMTP password.
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
variable "endpoint" {}
variable "domain" {}
variable "delegate" {}
provider "aws" {
  region = "us-east-1"
  endpoints {
    ses   = var.endpoint
    sesv2 = var.endpoint
    sns   = var.endpoint
    sts   = var.endpoint
    iam   = var.endpoint
  }
}
resource "aws_ses_domain_identity" "shop" { domain = var.domain }
resource "aws_ses_domain_dkim" "shop" { domain = aws_ses_domain_identity.shop.domain }
resource "aws_ses_email_identity" "news" { email = "news@${var.domain}" }
data "aws_iam_policy_document" "delegate" {
  statement {
    actions   = ["SES:SendEmail", "SES:SendRawEmail"]
    resources = [aws_ses_domain_identity.shop.arn]
    principals {
      identifiers = [var.delegate]
      type        = "AWS"
    }
  }
}
resource "aws_ses_identity_policy" "delegate" {
  identity = aws_ses_domain_identity.shop.arn
  name     = "delegate"
  policy   = data.aws_iam_policy_document.delegate.json
}
resource "aws_sesv2_email_identity" "letters" { email_identity = "letters.${var.domain}" }
resource "aws_sesv2_email_identity_policy" "letters" {
  email_identity = aws_sesv2_email_identity.letters.email_identity
  policy_name    = "delegate"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.delegate }
      Action    = "ses:SendEmail"
      Resource  = aws_sesv2_email_identity.letters.arn
    }]
  })
}
resource "aws_sesv2_configuration_set" "letters" {
  configuration_set_name = "letters"
  delivery_options { tls_policy = "REQUIRE" }
}
resource "aws_sns_topic" "bounces" { name = "bounces" }
resource "aws_iam_policy" "send" {
  name   = "send-mail"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ses:Send*", Resource = "*" }] })
}
resource "aws_iam_user_policy_attachment" "mailer" {
  user       = aws_iam_user.mailer.name
  policy_arn = aws_iam_policy.send.arn
}
resource "aws_iam_policy" "at_most" {
  name   = "at-most"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["ses:*", "sts:*"], Resource = "*" }] })
}
resource "aws_iam_user" "mailer" {
  name                 = "mailer"
  force_destroy        = true
  permissions_boundary = aws_iam_policy.at_most.arn
}
resource "aws_iam_virtual_mfa_device" "mailer" {
  virtual_mfa_device_name = "mailer"
  tags                    = { team = "news" }
}
resource "aws_iam_role" "sender" {
  name = "sender"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = aws_iam_user.mailer.arn }, Action = "sts:AssumeRole" }]
  })
  permissions_boundary = aws_iam_policy.at_most.arn
  tags                 = { team = "news" }
}
resource "aws_iam_role_policy" "sender" {
  name   = "send"
  role   = aws_iam_role.sender.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ses:Send*", Resource = "*" }] })
}
resource "aws_iam_role_policy_attachment" "sender" {
  role       = aws_iam_role.sender.name
  policy_arn = aws_iam_policy.send.arn
}
resource "aws_iam_access_key" "mailer" { user = aws_iam_user.mailer.name }
resource "aws_iam_user_policy" "mailer" {
  name   = "send"
  user   = aws_iam_user.mailer.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ses:Send*", Resource = "*" }] })
}
output "role" { value = aws_iam_role.sender.arn }
output "smtp_user" { value = aws_iam_access_key.mailer.id }
output "secret" {
  value     = aws_iam_access_key.mailer.secret
  sensitive = true
}
output "smtp_password" {
  value     = aws_iam_access_key.mailer.ses_smtp_password_v4
  sensitive = true
}
