import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, DiscoveryModule } from '@nestjs/core';
import type { AuthParts } from './auth-parts.ts';
import { CallbackFlow } from './callback-flow.ts';
import { CallbackController } from './callback.controller.ts';
import { ContinueFlow } from './continue-flow.ts';
import { ContinueController } from './continue.controller.ts';
import { EndpointPolicy } from './endpoint-policy.ts';
import { EndpointGuard } from './endpoint.guard.ts';
import { LoginFlow } from './login-flow.ts';
import { LoginController } from './login.controller.ts';
import { PasswordAttempts } from './password-attempts.ts';
import { PasswordLoginFlow } from './password-login-flow.ts';
import { PasswordLoginController } from './password-login.controller.ts';
import { LogoutFlow } from './logout-flow.ts';
import { LogoutStates } from './logout-state.ts';
import { LogoutController } from './logout.controller.ts';
import { FILTER_PARTS, ProblemFilter } from './problem.filter.ts';
import { ProviderLogout } from './provider-logout.ts';
import { SessionEnd } from './session-end.ts';
import { SessionFlow } from './session-flow.ts';
import { SessionStart } from './session-start.ts';
import { SessionController } from './session.controller.ts';

/** The endpoints of one frontend. Each application has its own flows: nothing is shared between two in one process. */
@Module({})
export class AuthModule {
  static forFrontend(parts: AuthParts): DynamicModule {
    return {
      module: AuthModule,
      imports: [DiscoveryModule],
      controllers: [LoginController, CallbackController, ContinueController, SessionController, PasswordLoginController, LogoutController],
      providers: [...flowsOf(parts), ...gatesOf(parts)],
    };
  }
}

function flowsOf(parts: AuthParts): Provider[] {
  const sessionStart = new SessionStart(parts);
  const attempts = new PasswordAttempts({ perMinute: parts.options.passwordLogin.perMinute, clock: parts.clock });
  const providerLogout = new ProviderLogout({ ...parts, states: new LogoutStates(parts) });
  return [
    { provide: LoginFlow, useValue: new LoginFlow(parts) },
    { provide: CallbackFlow, useValue: new CallbackFlow({ ...parts, sessionStart }) },
    { provide: ContinueFlow, useValue: new ContinueFlow(parts) },
    { provide: SessionFlow, useValue: new SessionFlow(parts) },
    { provide: PasswordLoginFlow, useValue: new PasswordLoginFlow({ ...parts, sessionStart, attempts }) },
    { provide: LogoutFlow, useValue: new LogoutFlow({ ...parts, sessionEnd: new SessionEnd(parts), providerLogout }) },
  ];
}

function gatesOf({ urls, options, logger }: AuthParts): Provider[] {
  const policy = new EndpointPolicy({
    publicOrigin: urls.origin,
    responseMode: options.responseMode,
    passwordLogin: options.passwordLogin.enabled,
  });
  return [
    { provide: EndpointPolicy, useValue: policy },
    { provide: FILTER_PARTS, useValue: { urls, policy, logger } },
    { provide: APP_GUARD, useClass: EndpointGuard },
    { provide: APP_FILTER, useClass: ProblemFilter },
  ];
}
