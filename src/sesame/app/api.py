"""What stands behind every door: who calls, what may they, what each operation does.

Made here and joined; `app` puts sockets in front of it.
"""

from collections.abc import Callable
from functools import partial

from sesame.access.authorize import SendAuthorizer
from sesame.access.causes.failures import Failures
from sesame.access.causes.sign_in import SignIns
from sesame.access.changes import Changes
from sesame.access.credentials import Authenticator
from sesame.access.directory import Directory
from sesame.access.failed_sign_ins import FailedSignIns
from sesame.access.guesses import Guesses
from sesame.access.key_uses import KeyUses
from sesame.access.pace import Pace
from sesame.access.permission import Authorizer
from sesame.access.sessions import Sessions
from sesame.access.smtp_login import SmtpLogins
from sesame.app import traced
from sesame.app.foundation import Services, console_url, house
from sesame.app.notify import stream_subject
from sesame.aws.model import ServiceModel
from sesame.config import REGION, Settings
from sesame.identities.custom_verification import CustomVerification
from sesame.mail.address import identity_candidates
from sesame.operations.changes import Calls
from sesame.operations.configuration_sets import ConfigurationSets
from sesame.operations.delegates import Delegates
from sesame.operations.iam.access_key_use import AccessKeyUseOperations
from sesame.operations.iam.account import WholeAccountOperations
from sesame.operations.iam.account_aliases import AccountAliasOperations
from sesame.operations.iam.attachments import AttachmentOperations
from sesame.operations.iam.boundaries import BoundaryOperations
from sesame.operations.iam.context_keys import ContextKeyOperations
from sesame.operations.iam.documents import Documents
from sesame.operations.iam.groups import GroupOperations
from sesame.operations.iam.inline_policies import InlinePolicyOperations
from sesame.operations.iam.login_profiles import LoginProfileOperations
from sesame.operations.iam.managed_policies import ManagedPolicyOperations
from sesame.operations.iam.mfa_devices import MfaDeviceOperations
from sesame.operations.iam.password_policy import PasswordPolicyOperations
from sesame.operations.iam.roles import RoleOperations
from sesame.operations.iam.simulate import SimulateOperations
from sesame.operations.iam.tags import TagOperations
from sesame.operations.iam.unsupported_credentials import UnsupportedCredentialOperations
from sesame.operations.iam.users import IamOperations
from sesame.operations.policy_editing import PolicyEditing
from sesame.operations.ses.account import AccountOperations
from sesame.operations.ses.configuration_sets import ConfigurationSetOperations
from sesame.operations.ses.custom_verification import CustomVerificationOperations
from sesame.operations.ses.identities import IdentityOperations
from sesame.operations.ses.identity_settings import IdentitySettingOperations
from sesame.operations.ses.notifications import NotificationOperations
from sesame.operations.ses.policies import PolicyOperations
from sesame.operations.ses.sending import SendingOperations
from sesame.operations.ses.templated import TemplatedOperations
from sesame.operations.ses.templates import TemplateOperations
from sesame.operations.sesame.delegates import DelegateOperations
from sesame.operations.sesame.policy_tests import PolicyTestOperations
from sesame.operations.sesame.share_links import ShareLinks
from sesame.operations.sesame.smtp_bindings import SmtpBindingOperations
from sesame.operations.sesame.tracked_links import TrackedLinkOperations
from sesame.operations.sesame.webhooks import WebhookOperations
from sesame.operations.sesv2.account import AccountV2Operations
from sesame.operations.sesv2.configuration_sets import ConfigurationSetV2Operations
from sesame.operations.sesv2.contact_lists import ContactListOperations
from sesame.operations.sesv2.contacts import ContactOperations
from sesame.operations.sesv2.custom_verification import CustomVerificationV2Operations
from sesame.operations.sesv2.dedicated_ips import DedicatedIpOperations
from sesame.operations.sesv2.identities import IdentityV2Operations
from sesame.operations.sesv2.identity_settings import IdentitySettingV2Operations
from sesame.operations.sesv2.insights import InsightOperations
from sesame.operations.sesv2.metrics import MetricOperations
from sesame.operations.sesv2.policies import PolicyV2Operations
from sesame.operations.sesv2.sending import SendingV2Operations
from sesame.operations.sesv2.suppression import SuppressionOperations
from sesame.operations.sesv2.tags import TagV2Operations
from sesame.operations.sesv2.templated import BulkV2Operations
from sesame.operations.sesv2.templates import TemplateV2Operations
from sesame.operations.sns.access import TopicAccess
from sesame.operations.sns.permissions import PermissionOperations
from sesame.operations.sns.publish import PublishOperations
from sesame.operations.sns.subscriptions import SubscriptionOperations
from sesame.operations.sns.topics import TopicOperations
from sesame.operations.sts.assume_role import AssumeRoleOperations
from sesame.operations.sts.caller_identity import CallerIdentityOperations
from sesame.operations.sts.device_code import DeviceCodes
from sesame.operations.sts.federation_token import FederationTokenOperations
from sesame.operations.sts.session_token import SessionTokenOperations
from sesame.operations.table import Handlers, merged, uncached
from sesame.operations.templates import TemplateCache, Templates
from sesame.sending.refused import RefusedSends
from sesame.sending.send import Sender
from sesame.server.submission import SubmissionDoor
from sesame.server.throttle import Throttle
from sesame.spool.put import SpooledMessage
from sesame.store.events import Stage


class Doors:
    """One of each, shared by all doors.

    `accepted` is called after each accepted message, `recorded` with a stage at which events of it wait, `published`
    after each publication.
    """

    def __init__(
        self,
        services: Services,
        *,
        accepted: Callable[[SpooledMessage], None],
        recorded: Callable[[Stage], None] = lambda _: None,
        published: Callable[[], None] = lambda: None,
    ) -> None:
        self._services = services
        settings = services.settings
        self.directory = Directory(services.store, services.sealer)
        self.sessions = Sessions(services.sealer)
        self.guesses = Guesses(services.clock, per_network=settings.console.failures_per_network)
        changes = Changes(services.store, services.trail, forget=self.directory.forget)
        self.authorizer = Authorizer(self.directory, changes)
        self.send_authorizer = SendAuthorizer(
            self.directory,
            candidates=identity_candidates,
            owner_sandbox_counts=settings.accounts.owner_sandbox_counts,
            simulators=settings.simulator.all_domains,
        )
        self.pace = Pace(step_s=settings.accounts.refusal_step_s)
        self.sender = self._make_sender(accepted, recorded)
        self.templates = self._make_templates()
        self.custom_verification = self._make_custom_verification()
        self.delegates = Delegates(services.store, services.clock, released=lambda: services.wake())
        self.share_links = self._make_share_links()
        self.policy_tests = PolicyTestOperations(services.store, self.authorizer)
        self._failures = failures = Failures(services.store)
        handlers = self._operations(published)
        self.failed = FailedSignIns(services.store, services.clock, services.log)
        self.key_uses = KeyUses(services.store, services.clock, services.log)
        sign_ins = self._make_sign_ins(failures)
        self.submission = self._make_submission(sign_ins)
        self.authenticator = self._make_authenticator()
        self.throttle = Throttle(services.clock, per_second=settings.api.requests_per_second)
        self.models = models = {name: ServiceModel.load(name) for name in handlers}
        calls = Calls(self.authorizer.changes)
        self.handlers = {name: calls.decided(handlers[name], model) for name, model in models.items()}
        self.editing = PolicyEditing(services.store, self.authorizer)
        self.edits = calls.decided(self.editing.handlers(), models["sesv2"])
        self.api = traced.classes(services.tracer).api(
            models,
            self.handlers,
            self.authenticator,
            uncached=uncached,
            throttle=self.throttle,
            new_request_id=services.ids.request_id,
            failures=failures,
            sign_ins=sign_ins,
            large=services.large,
            clock=services.clock,
            log=services.log,
            metrics=services.metrics,
        )

    def _operations(self, published: Callable[[], None]) -> dict[str, Handlers]:
        """The operations of each service."""
        return {
            "ses": self._ses(),
            "sesv2": self._sesv2(),
            "sns": self._sns(published),
            "sts": self._sts(),
            "iam": self._iam(),
            "sesame": self._own(),
        }

    def _make_templates(self) -> Templates:
        services = self._services
        return Templates(
            services.store,
            self.authorizer,
            services.clock,
            cache=TemplateCache(),
            random_hex=services.ids.hex,
        )

    def _make_authenticator(self) -> Authenticator:
        services, settings = self._services, self._services.settings
        return traced.classes(services.tracer).authenticator(
            self.directory,
            self.sessions,
            services.clock,
            skew_s=settings.api.clock_skew_s,
            regions=served_regions(settings),
        )

    def _make_sign_ins(self, failures: Failures) -> SignIns:
        services, settings = self._services, self._services.settings
        return SignIns(
            failures,
            self.failed,
            self.key_uses,
            self.directory,
            services.clock,
            served=settings.api.regions,
            skew_s=settings.api.clock_skew_s,
            new_request_id=services.ids.request_id,
        )

    def _make_sender(
        self, accepted: Callable[[SpooledMessage], None], recorded: Callable[[Stage], None]
    ) -> Sender:
        services = self._services
        return traced.classes(services.tracer).sender(
            services.store,
            self.send_authorizer,
            clock=services.clock,
            refused=RefusedSends(services.store, self.authorizer.changes, services.log, services.metrics),
            metrics=services.metrics,
            executor=services.executor,
            large=services.large,
            new_id=services.ids.message_id,
            random_hex=services.ids.hex,
            message_id_domain=services.settings.delivery.hostname,
            accepted=accepted,
            recorded=recorded,
            pace=self.pace,
            steady=services.steady,
            room=services.room,
            heeds_global_list=services.settings.suppression.global_days > 0,
            streams_events=stream_subject(services.settings.notify) is not None,
        )

    def _make_custom_verification(self) -> CustomVerification:
        services = self._services
        return CustomVerification(
            services.store,
            self.authorizer,
            self.send_authorizer,
            self.sender,
            services.verification,
            clock=services.clock,
            executor=services.executor,
            max_bytes=services.settings.accounts.message_bytes,
        )

    def _make_smtp_logins(self) -> SmtpLogins:
        services = self._services
        return SmtpLogins(
            self.directory,
            services.store,
            services.clock,
            regions=services.settings.api.regions,
            new_request_id=services.ids.request_id,
        )

    def _make_submission(self, sign_ins: SignIns) -> SubmissionDoor:
        services, settings = self._services, self._services.settings
        return traced.classes(services.tracer).submission(
            self._make_smtp_logins(),
            self.sender,
            hostname=settings.submission.hostname or settings.delivery.hostname,
            message_bytes=settings.submission.message_bytes,
            failure_delay_s=settings.submission.failure_delay_s,
            sign_ins=sign_ins,
            clock=services.clock,
            log=services.log,
            metrics=services.metrics,
        )

    def _ses(self) -> Handlers:
        services, store, authorizer = self._services, self._services.store, self.authorizer
        return merged(
            IdentityOperations(store, authorizer, services.verification),
            IdentitySettingOperations(store, authorizer, services.identity_settings),
            NotificationOperations(store, authorizer, self.pace),
            PolicyOperations(store, authorizer),
            SendingOperations(self.sender, max_bytes=services.settings.accounts.message_bytes),
            TemplatedOperations(
                self.sender, self.templates, max_bytes=services.settings.accounts.message_bytes
            ),
            TemplateOperations(self.templates),
            AccountOperations(store, authorizer, services.clock),
            ConfigurationSetOperations(ConfigurationSets(store, authorizer, services.clock)),
            CustomVerificationOperations(self.custom_verification),
        )

    def _sesv2(self) -> Handlers:
        services, store, authorizer = self._services, self._services.store, self.authorizer
        v2_bytes = services.settings.accounts.v2_message_bytes
        return merged(
            IdentityV2Operations(store, authorizer, services.verification, services.identity_settings),
            IdentitySettingV2Operations(authorizer, services.identity_settings),
            PolicyV2Operations(store, authorizer),
            SendingV2Operations(self.sender, self.templates, max_bytes=v2_bytes),
            BulkV2Operations(self.sender, self.templates, max_bytes=v2_bytes),
            TemplateV2Operations(self.templates),
            AccountV2Operations(store, authorizer, services.clock),
            InsightOperations(store, authorizer, house(services.settings)),
            MetricOperations(store, authorizer),
            TagV2Operations(store, authorizer),
            ConfigurationSetV2Operations(ConfigurationSets(store, authorizer, services.clock), authorizer),
            SuppressionOperations(store, authorizer, services.clock),
            CustomVerificationV2Operations(self.custom_verification),
            ContactListOperations(store, authorizer, services.clock),
            ContactOperations(store, authorizer, services.clock),
            DedicatedIpOperations(
                store,
                authorizer,
                services.clock,
                sources=services.sources,
                plan=services.warmup_plan,
            ),
        )

    def _sns(self, published: Callable[[], None]) -> Handlers:
        services, store = self._services, self._services.store
        access = TopicAccess(store, self.authorizer)
        self.subscriptions = SubscriptionOperations(
            store,
            access,
            clock=services.clock,
            token_key=services.subscription_key,
            new_id=services.ids.request_id,
            published=published,
            has_queues=bool(services.settings.notify.sqs_endpoint),
            may_be_plain=services.settings.notify.allow_http,
        )
        return merged(
            TopicOperations(store, self.authorizer, services.clock),
            PermissionOperations(access),
            self.subscriptions,
            PublishOperations(
                store, access, clock=services.clock, new_id=services.ids.request_id, published=published
            ),
        )

    def _sts(self) -> Handlers:
        services = self._services
        codes = DeviceCodes(services.store, services.sealer, self.guesses, services.clock)
        return merged(
            CallerIdentityOperations(),
            SessionTokenOperations(
                self.authorizer,
                self.sessions,
                codes,
                clock=services.clock,
                random_name=services.ids.name,
                random_secret=services.ids.secret_access_key,
            ),
            FederationTokenOperations(
                services.store,
                self.authorizer,
                self.sessions,
                clock=services.clock,
                random_name=services.ids.name,
                random_secret=services.ids.secret_access_key,
            ),
            AssumeRoleOperations(
                services.store,
                self.authorizer,
                self.sessions,
                codes,
                clock=services.clock,
                random_name=services.ids.name,
                random_secret=services.ids.secret_access_key,
                pace=self.pace,
                failures=self._failures,
            ),
        )

    def _make_share_links(self) -> ShareLinks:
        services = self._services
        return ShareLinks(
            services.store,
            self.authorizer,
            clock=services.clock,
            new_token=services.ids.token,
            console_url=partial(console_url, services.settings),
        )

    def _own(self) -> Handlers:
        return merged(
            DelegateOperations(self.authorizer, self.delegates),
            self.policy_tests,
            TrackedLinkOperations(self.authorizer, self._services.tracked_links),
            WebhookOperations(self.authorizer, self._services.webhooks),
            SmtpBindingOperations(self._services.store, self.authorizer),
            self.share_links,
        )

    def _iam(self) -> Handlers:
        services, store, authorizer = self._services, self._services.store, self.authorizer
        documents = Documents(services.log)
        return merged(
            IamOperations(
                store,
                authorizer,
                services.sealer,
                clock=services.clock,
                random_name=services.ids.name,
                random_secret=services.ids.secret_access_key,
            ),
            AccessKeyUseOperations(store, authorizer),
            GroupOperations(store, authorizer, clock=services.clock, random_name=services.ids.name),
            TagOperations(store, authorizer),
            RoleOperations(store, authorizer, clock=services.clock, random_name=services.ids.name),
            InlinePolicyOperations(store, authorizer, documents),
            ManagedPolicyOperations(
                store, authorizer, documents, clock=services.clock, random_name=services.ids.name
            ),
            AttachmentOperations(store, authorizer),
            WholeAccountOperations(store, authorizer),
            AccountAliasOperations(store, authorizer),
            PasswordPolicyOperations(store, authorizer),
            UnsupportedCredentialOperations(store, authorizer),
            LoginProfileOperations(store, authorizer, services.passwords, self.guesses, clock=services.clock),
            MfaDeviceOperations(
                store,
                authorizer,
                services.sealer,
                clock=services.clock,
                random_bytes=services.random_bytes,
            ),
            SimulateOperations(store, authorizer),
            BoundaryOperations(store, authorizer),
            ContextKeyOperations(store, authorizer),
        )


def served_regions(settings: Settings) -> Callable[[str], bool]:
    """Which region names are served: those listed, or everything shaped like one."""
    listed = frozenset(settings.api.regions)
    if listed:
        return listed.__contains__
    return lambda region: REGION.fullmatch(region) is not None
