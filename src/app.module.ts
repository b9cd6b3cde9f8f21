import { Module, type DynamicModule } from '@nestjs/common';
import type { AuthParts } from './auth/auth-parts.ts';
import { AuthModule } from './auth/auth.module.ts';

/** The Nest part of one application: the endpoints. Proxied routes and pages never come through here. */
@Module({})
export class AppModule {
  static forFrontend(auth: AuthParts): DynamicModule {
    return { module: AppModule, imports: [AuthModule.forFrontend(auth)] };
  }
}
