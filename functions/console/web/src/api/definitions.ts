/** A conversion as the forms edit it: the shapes that the API saves. */
import type { Api } from './types';

export type Condition = Api['Condition'];
export type FilterValue = Condition['value'];
export type AllOf = Api['All-Output'];
export type AnyOf = Api['Any_-Output'];
export type Filter = Condition | AllOf | AnyOf;

export type Simple = Api['Simple-Output'];
export type Combined = Api['Combined'];
export type Custom = Api['Custom'];
export type LeadScoring = Api['LeadScoring'];
export type Definition = Simple | Combined | Custom | LeadScoring;

export type Value = Simple['value'];
export type CrmName = Api['CrmSource']['crm'];
