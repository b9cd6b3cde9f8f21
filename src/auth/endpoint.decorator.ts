import { All, SetMetadata, applyDecorators } from '@nestjs/common';
import { ENDPOINT_ROOT, type EndpointRules } from './endpoints.ts';

export const ENDPOINT_METADATA = 'cloakroom:endpoint';

/** A handler of the browser contract. All methods reach it, so that 405, CSRF and HEAD are judged by our own guard. */
export function Endpoint(rules: EndpointRules): MethodDecorator {
  return applyDecorators(All(ENDPOINT_ROOT + rules.path), SetMetadata(ENDPOINT_METADATA, rules));
}
