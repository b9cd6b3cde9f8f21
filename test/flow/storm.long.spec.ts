import { stormTrial } from '../support/storm-trial.ts';

stormTrial({ sessions: 2000, within: 5000, grantsASecond: 50, looks: 50 });
