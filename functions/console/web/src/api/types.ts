/** What the three functions say, by the names that the screens use; generated from their own
 * OpenAPI documents by `npm run types`. */
import type { components as ApiComponents } from '../../generated/api';
import type { components as ExportComponents } from '../../generated/export-preview';
import type { components as ValidateComponents } from '../../generated/validate-sql';

export type Api = ApiComponents['schemas'];
export type Export = ExportComponents['schemas'];
export type Validate = ValidateComponents['schemas'];

export type Row = Api['ConversionLine'];
export type Health = Row['health'];
export type RowPage = Api['ConversionList'];
export type LastRun = Api['LastRun'];
export type ConversionVersion = Api['ConversionVersion'];
export type Me = Api['Me'];

export type Incident = Api['Incident'];
export type IncidentPage = Api['IncidentList'];
