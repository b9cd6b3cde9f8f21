import { Option } from '../option.ts';
import { text } from '../scalar-types.ts';

/** OpenTelemetry. */
export class TracingSection {
  @Option({ type: text('URL'), doc: 'Where spans are sent, OTLP over HTTP.' })
  readonly otlpEndpoint?: string;
}
