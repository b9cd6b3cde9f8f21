import { chaosTrial } from '../support/chaos/trial.ts';

chaosTrial({ seed: 10_000, cycles: 10_000 });
