import { chaosTrial } from '../support/chaos/trial.ts';

chaosTrial({ seed: 12, cycles: 400 });
