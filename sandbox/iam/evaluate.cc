#include "sandbox/iam/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

namespace vesto::sandbox {

namespace {

struct Verdict {
  bool deny = false;
  bool allow = false;
  PrincipalMatch match = PrincipalMatch::kNone;  // the best among the Allow statements
};

bool names_principals(PolicyKind kind) {
  return kind == PolicyKind::kResource || kind == PolicyKind::kKey || kind == PolicyKind::kTrust;
}

Verdict judge(const IamPolicy& policy, const AccessRequest& request) {
  Verdict verdict;
  for (const PolicyStatement& statement : policy.statements) {
    PrincipalMatch match = PrincipalMatch::kDirect;
    if (names_principals(policy.kind)) match = match_principal(statement, request.principal);
    if (match == PrincipalMatch::kNone) continue;
    if (!applies(policy, statement, request.action, request.resource, request.context)) continue;
    if (!statement.allow) {
      verdict.deny = true;
    } else {
      verdict.allow = true;
      verdict.match = std::max(verdict.match, match);
    }
  }
  return verdict;
}

Verdict judge_together(const std::vector<const IamPolicy*>& policies,
                       const AccessRequest& request) {
  Verdict out;
  for (const IamPolicy* policy : policies) {
    const Verdict one = judge(*policy, request);
    out.deny = out.deny || one.deny;
    out.allow = out.allow || one.allow;
  }
  return out;
}

struct Verdicts {
  Verdict identity;
  Verdict boundary;
  Verdict session;
  Verdict resource;
};

Verdicts judge_all(const PolicySet& policies, const AccessRequest& request) {
  Verdicts out;
  out.identity = judge_together(policies.identity, request);
  if (request.principal.kind == IamPrincipal::Kind::kRoot) out.identity.allow = true;
  const auto narrow = [&](const IamPolicy* policy) {
    return policy == nullptr ? Verdict{.allow = true} : judge(*policy, request);
  };
  out.boundary = narrow(policies.boundary);
  out.session =
      policies.session.empty() ? Verdict{.allow = true} : judge_together(policies.session, request);
  if (policies.resource != nullptr) out.resource = judge(*policies.resource, request);
  return out;
}

// Only one reason is given, even if several policies say no.
Decision first_deny(const Verdicts& verdicts, PolicyKind resource_kind) {
  Decision out{.allowed = false, .explicit_deny = true};
  if (verdicts.identity.deny) {
    out.kind = PolicyKind::kIdentity;
  } else if (verdicts.resource.deny) {
    out.kind = resource_kind;
  } else if (verdicts.boundary.deny) {
    out.kind = PolicyKind::kBoundary;
  } else if (verdicts.session.deny) {
    out.kind = PolicyKind::kSession;
  } else {
    out.explicit_deny = false;
  }
  return out;
}

Decision lacking(PolicyKind kind) { return {.kind = kind}; }

Decision all_of_the_callers(const Verdicts& verdicts) {
  if (!verdicts.identity.allow) return lacking(PolicyKind::kIdentity);
  if (!verdicts.boundary.allow) return lacking(PolicyKind::kBoundary);
  if (!verdicts.session.allow) return lacking(PolicyKind::kSession);
  return {.allowed = true};
}

Decision within_account(const Verdicts& verdicts, PolicyKind resource_kind) {
  const bool must_allow = resource_kind != PolicyKind::kResource;
  if (must_allow && !verdicts.resource.allow) return lacking(resource_kind);
  switch (verdicts.resource.match) {
    case PrincipalMatch::kDirect:
      return {.allowed = true};
    case PrincipalMatch::kRole:
      // A grant to the role reaches its sessions through their boundary and session policy.
      if (!verdicts.boundary.allow) return lacking(PolicyKind::kBoundary);
      if (!verdicts.session.allow) return lacking(PolicyKind::kSession);
      return {.allowed = true};
    case PrincipalMatch::kAccount:
    case PrincipalMatch::kNone:
      break;
  }
  return all_of_the_callers(verdicts);
}

bool has_policies_of_its_own(const IamPrincipal& principal) {
  return principal.kind == IamPrincipal::Kind::kRoot ||
         principal.kind == IamPrincipal::Kind::kUser ||
         principal.kind == IamPrincipal::Kind::kRoleSession;
}

std::string_view kind_text(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kIdentity:
      return "identity-based policy";
    case PolicyKind::kSession:
      return "session policy";
    case PolicyKind::kBoundary:
      return "permissions boundary";
    case PolicyKind::kResource:
    case PolicyKind::kKey:
      return "resource-based policy";
    case PolicyKind::kTrust:
      return "role trust policy";
  }
  return "policy";
}

std::string reason_text(const AccessRequest& request, const Decision& decision) {
  const std::string_view kind = kind_text(decision.kind);
  if (!decision.explicit_deny) {
    return fmt::format("because no {} allows the {} action", kind, request.action);
  }
  return fmt::format("with an explicit deny in {} {}",
                     decision.kind == PolicyKind::kIdentity ? "an" : "a", kind);
}

}  // namespace

Decision evaluate(const PolicySet& policies, const AccessRequest& request) {
  const Verdicts verdicts = judge_all(policies, request);
  const PolicyKind resource_kind =
      policies.resource == nullptr ? PolicyKind::kResource : policies.resource->kind;
  const bool other_account =
      !request.resource_account.empty() && request.resource_account != request.principal.account;
  Decision decision = first_deny(verdicts, resource_kind);
  if (!decision.explicit_deny) {
    if (!has_policies_of_its_own(request.principal)) {
      decision = verdicts.resource.match == PrincipalMatch::kDirect ? Decision{.allowed = true}
                                                                    : lacking(resource_kind);
    } else if (other_account) {
      decision = all_of_the_callers(verdicts);
      if (decision.allowed && !verdicts.resource.allow) decision = lacking(resource_kind);
    } else {
      decision = within_account(verdicts, resource_kind);
    }
  }
  decision.other_account = other_account;
  return decision;
}

std::string denial_text(DenialStyle style, const AccessRequest& request, const Decision& decision) {
  const bool s3 = style == DenialStyle::kS3;
  const bool kms = request.action.starts_with("kms:");
  const std::string who = request.principal.kind == IamPrincipal::Kind::kAnonymous
                              ? "anonymous"
                              : request.principal.arn;
  if (kms && (decision.other_account || decision.kind == PolicyKind::kKey)) {
    return fmt::format(
        "User: {} is not authorized to perform: {} on this resource because the resource does not "
        "exist in this Region, no resource-based policies allow access, or a resource-based policy "
        "explicitly denies access",
        who, request.action);
  }
  // Reasons are given within one account only.
  if (s3 && !kms && (decision.other_account || who == "anonymous")) return "Access Denied";
  std::string text =
      fmt::format("User: {} is not authorized to perform: {} on resource: ", who, request.action);
  text += s3 && !kms ? fmt::format("\"{}\"", request.resource) : request.resource;
  if (!decision.other_account) text += " " + reason_text(request, decision);
  return text;
}

}  // namespace vesto::sandbox
